"""A runtime whose Redis is killed, comes back empty, and is emptied by somebody."""

from dataclasses import dataclass
from uuid import UUID, uuid4

import httpx
import pytest

from deployments.integrations.website.visitors import hash_visitor
from persistence.ids import ChannelId, ConversationId, derive_conversation_id
from tests.cluster.conftest import SHARDS, Shop
from tests.support.conversation.mirrors import OFF, ON, ai_key
from tests.support.servers.http_server import ANSWER_S
from tests.support.servers.valkey import PASSWORD, QUOTED

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

FAILED = "Failed to set AI control cache: "


@dataclass(frozen=True, slots=True)
class Desk:
    """The demo shop, whose switches a Redis shows."""

    shop: Shop
    website: dict[str, str]
    secret: str

    def write(self, visitor: str) -> ConversationId:
        """Let a visitor write; return the conversation."""
        key = self.website["channel_key"]
        answer = httpx.post(
            f"{self.shop.runtime.url}/webhooks/website/{key}/messages/",
            json={
                "visitor_id": visitor,
                "visitor_hash": hash_visitor(self.secret, visitor),
                "content": "سلام",
            },
            timeout=ANSWER_S,
        )
        assert answer.status_code == httpx.codes.CREATED, answer.text
        return derive_conversation_id(ChannelId(UUID(self.website["id"])), visitor)

    def redirect(self, conversation: ConversationId, destination: str) -> str:
        """Redirect the conversation; return its status as stored."""
        path = f"/api/conversations/{conversation}/"
        answer = self.shop.api.post(
            f"{path}redirect/", json={"destination": destination}
        )
        assert answer.is_success, answer.text
        return str(self.shop.api.get(path).json()["status"])

    def warnings(self) -> list[str]:
        """Return the lines that tell of the mirror's failure."""
        # The log of the process that wrote them has them as well.
        log = self.shop.runtime.data_dir / "logs" / "workflow.log"
        if not log.exists():
            return []
        lines = log.read_text(encoding="utf-8").splitlines()
        return [line for line in lines if FAILED in line]


@pytest.fixture
def desk(shop: Shop) -> Desk:
    return Desk(shop, shop.website, shop.renew_visitor_secret())


async def test_redis_is_killed_comes_back_and_is_flushed_and_is_made_right_each_time(
    desk: Desk,
) -> None:
    valkey, warned_before = desk.shop.redis, len(desk.warnings())
    sara, reza = (desk.write(uuid4().hex) for _ in range(2))
    assert desk.redirect(sara, "support") == "support_active"
    await valkey.wait_for({ai_key(sara): OFF, ai_key(reza): ON})
    desk.shop.wait_until_parts("ok", "redis")

    await valkey.stop()
    assert desk.redirect(sara, "ai") == "active"
    assert desk.redirect(reza, "billing") == "support_active"
    mina = desk.write(uuid4().hex)
    # Without Redis messages are taken all the same.
    desk.shop.wait_until_parts("degraded", "redis")

    await valkey.start()
    right = {ai_key(sara): ON, ai_key(reza): OFF, ai_key(mina): ON}
    await valkey.wait_for(right)

    async with valkey.reader() as reader:
        await reader.flushall()
    await valkey.wait_for(right)
    assert desk.redirect(mina, "sales") == "support_active"
    await valkey.wait_for({**right, ai_key(mina): OFF})

    # One outage, one line from each shard that had something to show; no password.
    warnings = desk.warnings()[warned_before:]
    assert 1 <= len(warnings) <= SHARDS
    assert not any(PASSWORD in line or QUOTED in line for line in warnings)
