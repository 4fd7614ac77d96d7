"""A shop's Instagram account: its webhooks, a real shard, and who answers."""

from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import orjson

from actors.clock import SystemClock
from actors.conversation.ports import AnswerJob, OutgoingPart, WrittenAnswer
from actors.conversation.replay import find_differences, rebuild
from actors.conversation.rules.policy import Policy
from config.settings import Settings
from deployments.integrations.channel_directory import ChannelDirectory
from deployments.integrations.webhooks import build_webhooks_app
from persistence.channels import Channel
from persistence.database import Pool
from persistence.history import fetch_history
from persistence.ids import ConversationId, derive_conversation_id
from tests.support.api import LocalShards

SHOP, SARA = "17841400000000000", "900100200300"
POST = {
    "type": "ig_post",
    "payload": {"ig_post_media_id": "17", "title": "مانتو نخی", "url": "https://cdn/2"},
}
DRESS = "عنوان: مانتو نخی\nلینک: https://cdn/2"
FOREVER = Policy(reply_debounce=timedelta(hours=1))
QUICK = Policy(reply_debounce=timedelta(milliseconds=50))


@dataclass
class Desk:
    """Who answers, and what was asked and sent."""

    jobs: list[AnswerJob] = field(default_factory=list)
    parts: list[OutgoingPart] = field(default_factory=list)

    async def write(self, job: AnswerJob) -> WrittenAnswer:
        """Answer the job."""
        self.jobs.append(job)
        return WrittenAnswer("صد تومن")

    async def send(self, part: OutgoingPart) -> str:
        """Take the part, and name it."""
        self.parts.append(part)
        return f"mid.{len(self.parts)}"


@dataclass
class Line:
    """A shop's Instagram account, from Meta's side."""

    pool: Pool
    channel: Channel
    desk: Desk = field(default_factory=Desk)
    running: list[LocalShards] = field(default_factory=list)

    async def start(self, policy: Policy = QUICK) -> LocalShards:
        """Start a shard; a second one takes the first one's place, as after a crash."""
        shards = LocalShards(self.pool, self.desk, self.desk, policy)
        await shards.shard.start()
        self.running.append(shards)
        return shards

    @property
    def conversation(self) -> ConversationId:
        """Sara's."""
        return derive_conversation_id(self.channel.id, SARA)

    async def deliver(self, *events: object) -> int:
        """Deliver one webhook with these events; return the status."""
        return await self.deliver_entry(messaging=list(events))

    async def deliver_entry(self, **members: object) -> int:
        """Deliver one webhook with an entry of these members; return the status."""
        app = build_webhooks_app(
            Settings(), self.running[-1], ChannelDirectory(self.pool), SystemClock()
        )
        transport = httpx.ASGITransport(app)
        entry = {"id": SHOP, **members}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://pilito.test"
        ) as client:
            answer = await client.post(
                "/webhooks/instagram/", content=orjson.dumps({"entry": [entry]})
            )
        return answer.status_code

    async def messages(self) -> list[dict[str, object]]:
        """Return what is stored, as it reads."""
        rows = await self.pool.fetch("SELECT * FROM messages ORDER BY position, seq")
        return [dict(row) for row in rows]

    async def state(self) -> dict[str, object]:
        """Return the conversation's stored state."""
        found: dict[str, object] = await self.pool.fetchval(
            "SELECT state FROM conversations"
        )
        return found

    async def replayed(self, policy: Policy = FOREVER) -> tuple[str, ...]:
        """Return where the history does not make the stored state."""
        story = await fetch_history(self.pool, self.conversation)
        assert story is not None
        return find_differences(story.state, rebuild(story.events, policy))


def message(mid: str, **fields: object) -> dict[str, object]:
    """Build a message from Sara."""
    return {
        "sender": {"id": SARA},
        "recipient": {"id": SHOP},
        "message": {"mid": mid, **fields},
    }
