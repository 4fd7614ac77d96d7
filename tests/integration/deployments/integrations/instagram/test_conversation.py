"""From Instagram's webhook through a real shard into a real PostgreSQL, and back."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY

from actors.clock import SystemClock
from actors.conversation.events import (
    ConversationRedirected,
    OperatorAnswered,
    share_message_id,
)
from actors.conversation.rules.policy import Policy
from actors.conversation.state import Destination
from persistence.ids import (
    EventId,
    UserId,
)
from tests.support.instagram_line import (
    DRESS,
    POST,
    Line,
    message,
)
from tests.support.logs import written_log
from tests.support.waiting import wait_for_count

AI_MESSAGES = "SELECT count(*) FROM messages WHERE type = 'AI'"
SENT = "SELECT count(*) FROM outbox WHERE delivery = 'sent'"
SHARE_TIMERS = "SELECT count(*) FROM timers WHERE kind = 'share'"


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
