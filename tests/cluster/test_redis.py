"""A runtime whose Redis is killed, comes back empty, and is emptied by somebody."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import httpx
import pytest

from benchmarks.runtime import RunningRuntime, started
from persistence.ids import ChannelId, ConversationId, derive_conversation_id
from tests.support.mirrors import OFF, ON, ai_key
from tests.support.valkey import PASSWORD, QUOTED, Valkey

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(120)]

SHARDS = 2
FAILED = "Failed to set AI control cache: "


@dataclass(frozen=True, slots=True)
class Shop:
    """The demo shop, whose switches a Redis shows."""

    runtime: RunningRuntime
    api: httpx.Client
    website: dict[str, str]

    def write(self, visitor: str) -> ConversationId:
        """Let a visitor write; return the conversation."""
        key = self.website["channel_key"]
        answer = httpx.post(
            f"{self.runtime.url}/webhooks/website/{key}/messages/",
            json={"visitor_id": visitor, "content": "سلام"},
            timeout=30,
        )
        assert answer.status_code == httpx.codes.CREATED, answer.text
        return derive_conversation_id(ChannelId(UUID(self.website["id"])), visitor)

    def redirect(self, conversation: ConversationId, destination: str) -> str:
        """Redirect the conversation; return its status as stored."""
        path = f"/api/conversations/{conversation}/"
        answer = self.api.post(f"{path}redirect/", json={"destination": destination})
        assert answer.is_success, answer.text
        return str(self.api.get(path).json()["status"])

    def redis_health(self) -> str:
        """Return what `/readyz` says of Redis."""
        ready = httpx.get(f"{self.runtime.url}/readyz", timeout=30)
        # Without Redis messages are taken all the same.
        assert ready.status_code == httpx.codes.OK
        return str(ready.json()["redis"]["status"])

    def warnings(self) -> list[str]:
        """Return the lines that tell of the mirror's failure."""
        # The log of the process that wrote them has them as well.
        log = self.runtime.data_dir / "logs" / "workflow.log"
        lines = log.read_text(encoding="utf-8").splitlines()
        return [line for line in lines if FAILED in line]


@pytest.fixture
async def valkey() -> AsyncIterator[Valkey]:
    valkey = Valkey()
    await valkey.start()
    yield valkey
    await valkey.stop()


@pytest.fixture
def shop(valkey: Valkey) -> Iterator[Shop]:
    environment = {"PILITO_REDIS_URL": valkey.url, "PILITO_SHARDS": str(SHARDS)}
    with started(environment) as runtime, runtime.sign_in() as api:
        channels = api.get("/api/channels/").json()["results"]
        (website,) = [one for one in channels if one["kind"] == "website"]
        yield Shop(runtime, api, website)


async def test_redis_is_killed_comes_back_and_is_flushed_and_is_made_right_each_time(
    shop: Shop, valkey: Valkey
) -> None:
    sara, reza = (shop.write(uuid4().hex) for _ in range(2))
    assert shop.redirect(sara, "support") == "support_active"
    await valkey.wait_for({ai_key(sara): OFF, ai_key(reza): ON})
    assert shop.redis_health() == "ok"

    await valkey.stop()
    assert shop.redirect(sara, "ai") == "active"
    assert shop.redirect(reza, "billing") == "support_active"
    mina = shop.write(uuid4().hex)
    assert shop.redis_health() != "ok"

    await valkey.start()
    right = {ai_key(sara): ON, ai_key(reza): OFF, ai_key(mina): ON}
    await valkey.wait_for(right)

    async with valkey.reader() as reader:
        await reader.flushall()
    await valkey.wait_for(right)
    assert shop.redirect(mina, "sales") == "support_active"
    await valkey.wait_for({**right, ai_key(mina): OFF})

    # One outage, one line from each shard that had something to show; no password.
    warnings = shop.warnings()
    assert 1 <= len(warnings) <= SHARDS
    assert not any(PASSWORD in line or QUOTED in line for line in warnings)
