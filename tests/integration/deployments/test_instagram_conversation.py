"""From Instagram's webhook through a real shard into a real PostgreSQL, and back."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import orjson
import pytest
from prometheus_client import REGISTRY

from actors.clock import SystemClock
from actors.conversation.events import (
    ConversationRedirected,
    OperatorAnswered,
    share_message_id,
)
from actors.conversation.policy import Policy
from actors.conversation.ports import AnswerJob, OutgoingPart, WrittenAnswer
from actors.conversation.state import Destination
from config.settings import Settings
from deployments.channels.directory import ChannelDirectory
from deployments.webhooks_app import WebhookServices, build_webhooks_app
from persistence.channels import Channel, ChannelKind
from persistence.conversations import (
    ConversationFilter,
    fetch_conversation,
    fetch_conversations_page,
)
from persistence.database import Pool
from persistence.ids import (
    ConversationId,
    EventId,
    UserId,
    derive_conversation_id,
)
from tests.support.api import LocalShards
from tests.support.logs import written_log
from tests.support.waiting import wait_for_count
from tests.support.website import add_shop

SHOP, SARA = "17841400000000000", "900100200300"
POST = {
    "type": "ig_post",
    "payload": {"ig_post_media_id": "17", "title": "مانتو نخی", "url": "https://cdn/2"},
}
DRESS = "عنوان: مانتو نخی\nلینک: https://cdn/2"
QUICK = Policy(reply_debounce=timedelta(milliseconds=50))
AI_MESSAGES = "SELECT count(*) FROM messages WHERE type = 'AI'"
SENT = "SELECT count(*) FROM outbox WHERE delivery = 'sent'"
SHARE_TIMERS = "SELECT count(*) FROM timers WHERE kind = 'share'"


@dataclass
class Desk:
    """Who answers, and what was asked and sent."""

    jobs: list[AnswerJob] = field(default_factory=list)
    parts: list[OutgoingPart] = field(default_factory=list)

    async def write(self, job: AnswerJob) -> WrittenAnswer:
        self.jobs.append(job)
        return WrittenAnswer("صد تومن")

    async def send(self, part: OutgoingPart) -> str:
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
        return derive_conversation_id(self.channel.id, SARA)

    async def deliver(self, *events: object) -> int:
        """Deliver one webhook with these events; return the status."""
        app = build_webhooks_app(
            WebhookServices(
                Settings(),
                self.running[-1],
                ChannelDirectory(self.pool),
                SystemClock(),
            )
        )
        transport = httpx.ASGITransport(app)
        entry = {"id": SHOP, "messaging": list(events)}
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


@pytest.fixture
async def line(pool: Pool) -> AsyncIterator[Line]:
    line = Line(pool, await add_shop(pool, ChannelKind.INSTAGRAM, SHOP))
    yield line
    for shards in line.running:
        await shards.shard.stop()


def message(mid: str, **fields: object) -> dict[str, object]:
    """Build a message from Sara."""
    return {
        "sender": {"id": SARA},
        "recipient": {"id": SHOP},
        "message": {"mid": mid, **fields},
    }


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_a_share_and_its_question_become_one_answer(line: Line) -> None:
    await line.start()
    assert await line.deliver(message("s1", attachments=[POST])) == 200
    assert await line.pool.fetchval(SHARE_TIMERS) == 1
    pending = (await line.state())["pending_share"]
    assert isinstance(pending, dict)
    assert pending["message_id"] == str(share_message_id(line.conversation, "s1"))
    assert await line.deliver(message("m1", text="این چنده؟")) == 200
    await wait_for_count(line.pool, AI_MESSAGES, 1)
    share, question, _ = await line.messages()
    assert (share["message_type"], share["content"]) == ("share", DRESS)
    assert share["processing_status"] == "completed"
    assert share["metadata"] == {
        "media": [{"kind": "share", "url": "https://cdn/2", "media_id": "17"}]
    }
    assert question["content"] == "این چنده؟"
    assert question["combined_content"] == (
        f"[CONTEXT: پست/ریلز اینستاگرام که کاربر فرستاده]\n{DRESS}\n[/CONTEXT]\n\n"
        "[سوال کاربر]:\nاین چنده؟"
    )
    (job,) = line.desk.jobs
    assert (job.share, job.question_ids) == (DRESS, (question["id"],))
    assert await line.pool.fetchval(SHARE_TIMERS) == 0
    assert (await line.state())["pending_share"] is None


async def test_a_share_and_its_text_in_one_webhook_combine(line: Line) -> None:
    await line.start()
    pair = [{"type": "share", "payload": {"url": "https://cdn/1"}}, POST]
    await line.deliver(message("m1", text="این چنده؟", attachments=pair))
    await wait_for_count(line.pool, AI_MESSAGES, 1)
    kinds = [row["message_type"] for row in await line.messages()]
    assert kinds == ["share", "text", "text"]
    assert [job.share for job in line.desk.jobs] == [DRESS]


async def test_a_redelivered_share_does_not_start_to_wait_again(line: Line) -> None:
    await line.start()
    await line.deliver(message("s1", attachments=[POST]))
    await line.deliver(message("m1", text="این چنده؟"))
    await line.deliver(message("s1", attachments=[POST]))
    assert (await line.state())["pending_share"] is None
    assert await line.pool.fetchval(SHARE_TIMERS) == 0


async def test_a_share_alone_ends_without_an_answer(line: Line) -> None:
    before = counted("share_timeouts_total")
    await line.start(Policy(share_timeout=timedelta(milliseconds=50)))
    await line.deliver(message("s1", attachments=[POST]))
    await wait_for_count(line.pool, SHARE_TIMERS, 0)
    assert (await line.state())["pending_share"] is None
    assert await line.pool.fetchval(AI_MESSAGES) == 0
    assert counted("share_timeouts_total") == before + 1


async def test_a_share_timer_armed_before_a_crash_ends_after_it(line: Line) -> None:
    await line.start(Policy(share_timeout=timedelta(seconds=0.3)))
    await line.deliver(message("s1", attachments=[POST]))
    # Not stopped: the new shard takes its place while the old one still runs.
    await line.start()
    await wait_for_count(line.pool, SHARE_TIMERS, 0)
    assert (await line.state())["pending_share"] is None


async def test_r7_the_webhook_waits_for_no_debounce(line: Line) -> None:
    await line.start(Policy(reply_debounce=timedelta(hours=1)))
    assert await line.deliver(message("m1", text="سلام")) == 200
    assert line.desk.jobs == []


async def test_what_is_unsent_is_blank_also_before_it_is_answered(line: Line) -> None:
    await line.start(Policy(reply_debounce=timedelta(hours=1)))
    await line.deliver(
        message("s1", attachments=[POST]), message("m1", text="این چنده؟")
    )
    await line.deliver(message("m1", is_deleted=True), message("s1", is_deleted=True))
    rows = await line.messages()
    assert [row["content"] for row in rows] == ["", ""]
    assert [row["combined_content"] for row in rows] == [None, None]
    assert [row["metadata"] for row in rows] == [{"unsent": True}] * 2
    assert await line.pool.fetchval("SELECT count(*) FROM timers") == 0
    assert DRESS not in str(await line.state())


async def test_a_combination_forgets_a_share_that_is_unsent(line: Line) -> None:
    await line.start(Policy(reply_debounce=timedelta(hours=1)))
    await line.deliver(
        message("s1", attachments=[POST]), message("m1", text="این چنده؟")
    )
    await line.deliver(message("s1", is_deleted=True))
    question = (await line.messages())[1]
    assert (question["content"], question["combined_content"]) == ("این چنده؟", None)


async def test_an_edit_is_stored_and_said_so(line: Line) -> None:
    await line.start(Policy(reply_debounce=timedelta(hours=1)))
    await line.deliver(message("m1", text="مشکی دارید؟"))
    edit = {"mid": "m1", "text": "قرمز دارید؟", "num_edit": 1}
    whom = {"sender": {"id": SARA}, "recipient": {"id": SHOP}}
    assert await line.deliver({**whom, "message_edit": edit}) == 200
    (row,) = await line.messages()
    assert (row["content"], row["metadata"]) == ("قرمز دارید؟", {"edited": True})


async def test_an_edit_that_overtakes_its_message_is_not_lost(line: Line) -> None:
    await line.start(Policy(reply_debounce=timedelta(hours=1)))
    whom = {"sender": {"id": SARA}, "recipient": {"id": SHOP}}
    for mid in ("m1", "m2"):
        edit = {"mid": mid, "text": f"now {mid}", "num_edit": 1}
        assert await line.deliver({**whom, "message_edit": edit}) == 200
        assert await line.deliver(message(mid, text=f"first {mid}")) == 200
    rows = await line.messages()
    assert [row["content"] for row in rows] == ["now m1", "now m2"]


async def test_what_the_owner_unsends_in_the_app_is_blank_and_no_customers(
    line: Line,
) -> None:
    await line.start()
    await line.deliver(message("m1", text="چنده؟"))
    await wait_for_count(line.pool, SENT, 1)
    whom = {"sender": {"id": SHOP}, "recipient": {"id": SARA}}
    unsent = {"mid": "mid.1", "is_deleted": True}
    assert await line.deliver({**whom, "message": {**unsent, "is_echo": True}}) == 200
    question, answer = await line.messages()
    assert (question["content"], answer["content"]) == ("چنده؟", "")
    assert answer["metadata"] == {"unsent": True}
    state = await line.state()
    assert (state["status"], state["ai_enabled"]) == ("active", True)


async def test_what_is_unsent_before_it_came_is_shown_to_nobody(line: Line) -> None:
    await line.start()
    assert await line.deliver(message("m1", is_deleted=True)) == 200
    tenant = line.channel.tenant_id
    inbox = (line.pool, tenant, ConversationFilter(), 10, 0)
    assert await fetch_conversations_page(*inbox) == (0, ())
    assert await fetch_conversation(line.pool, tenant, line.conversation) is None
    await line.deliver(message("m1", text="رازی"), message("m2", text="چنده؟"))
    await wait_for_count(line.pool, AI_MESSAGES, 1)
    unsent, *_ = await line.messages()
    assert (unsent["content"], unsent["metadata"]) == ("", {"unsent": True})
    (job,) = line.desk.jobs
    assert unsent["id"] not in job.question_ids
    assert (await fetch_conversations_page(*inbox))[0] == 1


async def test_edits_that_overtake_everything_leave_the_last_words(line: Line) -> None:
    await line.start(Policy(reply_debounce=timedelta(hours=1)))
    whom = {"sender": {"id": SARA}, "recipient": {"id": SHOP}}
    for number in (3, 1, 2):
        edit = {"mid": "m1", "text": f"edit {number}", "num_edit": number}
        assert await line.deliver({**whom, "message_edit": edit}) == 200
    assert await line.deliver(message("m1", text="first")) == 200
    (row,) = await line.messages()
    assert (row["content"], row["metadata"]) == ("edit 3", {"edited": True})


async def test_a_picture_keeps_its_media(line: Line) -> None:
    await line.start()
    picture = {"type": "image", "payload": {"url": "https://cdn/p.jpg"}}
    await line.deliver(message("m1", attachments=[picture]))
    row = (await line.messages())[0]
    assert (row["message_type"], row["content"]) == ("image", "[تصویر]")
    assert row["metadata"] == {
        "media": [{"kind": "image", "url": "https://cdn/p.jpg", "media_id": ""}]
    }


async def test_a_late_answer_of_a_person_carries_its_tag(line: Line) -> None:
    shards = await line.start()
    await line.deliver(message("m1", text="سلام"))
    await wait_for_count(line.pool, SENT, 1)
    await shards.shard.stop()
    await line.pool.execute(
        "UPDATE conversations SET state = jsonb_set(state, '{last_customer_at}',"
        " to_jsonb((now() - interval '2 days')::timestamptz))"
    )
    later = await line.start()
    await later.submit(_answered(line))
    await wait_for_count(line.pool, SENT, 2)
    assert [part.tag for part in line.desk.parts] == ["", "HUMAN_AGENT"]


def _answered(line: Line) -> OperatorAnswered:
    return OperatorAnswered(
        id=EventId(uuid4()),
        conversation_id=line.conversation,
        at=SystemClock().now(),
        user_id=UserId(uuid4()),
        text="سلام، بفرمایید",
    )


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Path]:
    """Write logs as the runtime does, into a folder of the test's own."""
    with written_log(tmp_path, "shards"):
        yield tmp_path


def lines(path: Path) -> list[str]:
    return [
        json.loads(line)["event"]
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


async def test_log_lines_and_counters_are_the_contracts(line: Line, logs: Path) -> None:
    names = ("share_messages_total", "share_combined_total")
    before = [counted(name) for name in names]
    hits = counted("pending_share_lookups_total", result="hit")
    sales = counted("conversation_redirects_total", destination="sales")
    shards = await line.start()
    await line.deliver(
        message("s1", attachments=[POST]), message("m1", text="این چنده؟")
    )
    await shards.submit(
        ConversationRedirected(
            id=EventId(uuid4()),
            conversation_id=line.conversation,
            at=SystemClock().now(),
            destination=Destination.SALES,
        )
    )
    id_ = line.conversation
    assert lines(logs / "workflow.log") == [
        f"[Redirect to sales] Conversation {id_}: "
        "will disable AI, set status to 'support_active'",
        f"✓ Conversation {id_} status updated: active -> support_active",
        f"✅ [Redirect Complete] Conversation {id_} redirected to 'sales': "
        "status active->support_active, AI=disabled",
    ]
    written = lines(logs / "shards.log")
    assert "⏳ Instagram share detected - waiting for follow-up question" in written
    assert "✅ Combined share + question for AI processing" in written
    assert [counted(name) for name in names] == [count + 1 for count in before]
    assert counted("pending_share_lookups_total", result="hit") == hits + 1
    assert counted("conversation_redirects_total", destination="sales") == sales + 1
