"""Workflows in a real shard over a real database: crashes, limits, schedules."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import uuid4

import pytest

from actors.clock import SystemClock
from actors.conversation.codec import decode_event, decode_state
from actors.conversation.events import (
    CustomerWrote,
    OperatorAnswered,
    WorkflowTriggered,
)
from actors.conversation.replay import find_differences, rebuild
from actors.conversation.shard.workflow_schedules import WorkflowSchedules
from actors.conversation.shard.workflow_source import StoredWorkflows
from actors.conversation.state import Conversation, Source
from actors.workflow import definition as d
from actors.workflow.definition import Duration, Graph, Unit, VersionRef, build_graph
from actors.workflow.documents import write_definition
from persistence.channels import Channel, ChannelKind
from persistence.database import Pool
from persistence.history import fetch_history
from persistence.ids import (
    ConversationId,
    EventId,
    UserId,
    derive_conversation_id,
    derive_event_id,
)
from persistence.workflows import save_version
from tests.support.api import PATIENT, LocalShards
from tests.support.clock import FakeClock
from tests.support.waiting import wait_for_count
from tests.support.website import add_shop
from tests.support.workflow.run import action, define
from tests.support.workflow.shards import add_workflow, workflow_shards

EMAIL = d.AttributeClause("email", d.Operator.END_WITH, "@shop.example")
#: A new message asks for the e-mail; colleagues are handed over, others to the AI.
WELCOME = define(
    d.Waiting("ask", "سلام! ایمیل شما چیست؟", "email", d.AnswerKind.EMAIL),
    d.Condition("ours", (EMAIL,)),
    action("support", d.RedirectConversation(d.RedirectTo.SUPPORT)),
    action("ai", d.RedirectConversation(d.RedirectTo.AI)),
    action("tag", d.TagCustomer("خوش‌آمد")),
    edges="start>ask ask>ours ours>support ours!failure>ai support>tag ai>tag",
)
ENDED = "SELECT count(*) FROM workflow_runs WHERE status = 'completed'"
SAID = "SELECT count(*) FROM messages WHERE type = 'AI'"


@pytest.fixture
async def channel(pool: Pool) -> Channel:
    """A website channel."""
    return await add_shop(pool, ChannelKind.WEBSITE, "shop-key-1")


def writes(channel: Channel, text: str, mid: str, who: str = "sara") -> CustomerWrote:
    """Build a customer's message."""
    conversation = derive_conversation_id(channel.id, who)
    return CustomerWrote(
        id=derive_event_id(conversation, mid),
        conversation_id=conversation,
        at=SystemClock().now(),
        tenant_id=channel.tenant_id,
        channel_id=channel.id,
        source=Source.WEBSITE,
        customer=who,
        mid=mid,
        text=text,
    )


async def read_state(pool: Pool, conversation: ConversationId) -> Conversation:
    """Read the stored state."""
    text = await pool.fetchval(
        "SELECT state::text FROM conversations WHERE id = $1", conversation
    )
    return decode_state(text)


async def read_book(pool: Pool) -> Mapping[VersionRef, Graph]:
    """Read all definitions."""
    rows = await pool.fetch("SELECT workflow_id, version FROM workflow_versions")
    refs = [VersionRef(row["workflow_id"], row["version"]) for row in rows]
    found = await StoredWorkflows(pool).fetch_definitions(refs)
    return {ref: build_graph(definition) for ref, definition in found.items()}


async def check_replay(pool: Pool, conversation: ConversationId) -> None:
    """Check that the stored events make the stored state."""
    history = await fetch_history(pool, conversation)
    assert history is not None
    rebuilt = rebuild(history.events, PATIENT, await read_book(pool))
    assert find_differences(history.state, rebuilt) == ()


async def test_a_welcome_outlives_the_process_that_began_it(
    pool: Pool, dsn: str, channel: Channel
) -> None:
    await add_workflow(pool, channel.tenant_id, WELCOME)
    first = writes(channel, "سلام", "m1")
    async with workflow_shards(pool, dsn) as shards:
        await shards.submit(first)
        await wait_for_count(pool, SAID, 1)
        held = await read_state(pool, first.conversation_id)
        assert held.lease is not None
        # Nobody tells this process to stop: the next one takes its place.
        async with workflow_shards(pool, dsn) as others:
            await others.submit(writes(channel, "ایمیلم ali@shop.example", "m2"))
            await wait_for_count(pool, ENDED, 1)
    state = await read_state(pool, first.conversation_id)
    assert (state.status.value, state.runs, state.needs_operator) == (
        "support_active",
        (),
        True,
    )
    card = await pool.fetchrow("SELECT tags, attributes FROM customers")
    assert card is not None
    assert card["tags"] == ["خوش‌آمد"]
    assert card["attributes"] == {"email": "ali@shop.example"}
    rows = await pool.fetch(
        "SELECT node, outcome, edge FROM workflow_steps ORDER BY step"
    )
    assert [tuple(row) for row in rows] == [
        ("start", "done", "success"),
        ("ask", "done", "success"),
        ("ours", "done", "success"),
        ("support", "done", "success"),
        ("tag", "done", None),
    ]
    await check_replay(pool, first.conversation_id)


async def test_a_message_that_comes_twice_triggers_once(
    pool: Pool, dsn: str, channel: Channel
) -> None:
    await add_workflow(pool, channel.tenant_id, define(action("t", d.TagCustomer("a"))))
    message = writes(channel, "سلام", "m1")
    async with workflow_shards(pool, dsn) as shards:
        await shards.submit(message)
        await wait_for_count(pool, ENDED, 1)
        assert (await shards.submit(message)).is_duplicate
        await shards.submit(writes(channel, "باز هم", "m2"))
        await wait_for_count(pool, ENDED, 2)
    assert await pool.fetchval("SELECT count(*) FROM workflow_runs") == 2


async def test_a_short_delay_fires_in_the_next_process(
    pool: Pool, dsn: str, channel: Channel
) -> None:
    delay = action("delay", d.Delay(Duration(1, Unit.SECONDS)))
    late = action("late", d.SendMessage("یادتان نرود!"))
    await add_workflow(pool, channel.tenant_id, define(delay, late))
    async with workflow_shards(pool, dsn) as shards:
        await shards.submit(writes(channel, "سلام", "m1"))
        armed = "SELECT count(*) FROM timers WHERE kind = 'workflow'"
        await wait_for_count(pool, "SELECT count(*) FROM workflow_runs", 1)
        await wait_for_count(pool, armed, 1)
    async with workflow_shards(pool, dsn):
        await wait_for_count(pool, ENDED, 1)
    assert await pool.fetchval(SAID) == 1


async def test_a_persons_answer_ends_the_wait(
    pool: Pool, dsn: str, channel: Channel
) -> None:
    await add_workflow(pool, channel.tenant_id, WELCOME)
    message = writes(channel, "سلام", "m1")
    async with workflow_shards(pool, dsn) as shards:
        await shards.submit(message)
        await wait_for_count(pool, SAID, 1)
        await shards.submit(
            OperatorAnswered(
                id=EventId(uuid4()),
                conversation_id=message.conversation_id,
                at=SystemClock().now(),
                user_id=UserId(uuid4()),
                text="سلام، بفرمایید",
            )
        )
    row = await pool.fetchrow("SELECT status, reason FROM workflow_runs")
    assert row is not None
    assert tuple(row) == ("cancelled", "a person took over")
    assert (await read_state(pool, message.conversation_id)).lease is None
    assert await pool.fetchval("SELECT count(*) FROM timers") == 0


async def test_a_run_stays_on_the_version_that_it_began_with(
    pool: Pool, dsn: str, channel: Channel
) -> None:
    workflow_id = await add_workflow(pool, channel.tenant_id, WELCOME)
    async with workflow_shards(pool, dsn) as shards:
        await shards.submit(writes(channel, "سلام", "m1"))
        await wait_for_count(pool, SAID, 1)
        async with pool.acquire() as db, db.transaction():
            text = write_definition(define(action("bye", d.SendMessage("خداحافظ"))))
            await save_version(db, channel.tenant_id, workflow_id, 1, text, None)
        await shards.submit(writes(channel, "ali@shop.example", "m2"))
        await wait_for_count(pool, ENDED, 1)
    assert await pool.fetchval("SELECT version FROM workflow_runs") == 1
    assert await pool.fetchval(SAID) == 1


async def test_an_activated_workflow_begins_with_the_next_message(
    pool: Pool, dsn: str, channel: Channel
) -> None:
    async with workflow_shards(pool, dsn) as shards:
        await shards.submit(writes(channel, "سلام", "m1"))
        await add_workflow(
            pool, channel.tenant_id, define(action("t", d.TagCustomer("a")))
        )
        number = 1
        # The notification comes a moment after the commit.
        while not await pool.fetchval("SELECT count(*) FROM workflow_runs"):
            number += 1
            await shards.submit(writes(channel, "سلام", f"m{number}"))
        await wait_for_count(pool, ENDED, 1)


async def begin_schedule(
    pool: Pool, shards: LocalShards, clock: FakeClock
) -> tuple[int, WorkflowSchedules]:
    """Begin what is due."""
    schedules = WorkflowSchedules(pool, 0, 1, shards.shard.submit, clock)
    return await schedules.begin_due(), schedules


async def test_a_schedule_is_for_all_who_wrote_lately_and_fires_once(
    pool: Pool, dsn: str, channel: Channel
) -> None:
    now = SystemClock().now()
    soon = now + timedelta(minutes=2)
    scheduled = d.Scheduled(soon.date(), f"{soon:%H:%M}", d.Frequency.YEARLY)
    hello = action("hello", d.SendMessage("سال نو مبارک"))
    definition = d.Definition(
        (d.When("start", scheduled), hello), (d.Connection("start", "hello"),)
    )
    await add_workflow(pool, channel.tenant_id, definition)
    await pool.execute(
        """INSERT INTO business_hours VALUES ($1, '{"time_zone": "UTC"}')""",
        channel.tenant_id,
    )
    clock = FakeClock(now)
    async with workflow_shards(pool, dsn) as shards:
        for who in ("sara", "reza", "mina"):
            await shards.submit(writes(channel, "سلام", f"m-{who}", who))
        assert (await begin_schedule(pool, shards, clock))[0] == 0
        clock.advance(timedelta(minutes=3))
        begun, schedules = await begin_schedule(pool, shards, clock)
        assert begun == 3
        assert await schedules.begin_due() == 0
        # A crash before it was noted as done: every event is known.
        await pool.execute("DELETE FROM workflow_schedules")
        assert await schedules.begin_due() == 0
        clock.advance(timedelta(days=30))
        assert await schedules.begin_due() == 0
        await wait_for_count(pool, ENDED, 3)
    assert await pool.fetchval(SAID) == 3
    kinds = await pool.fetch(
        "SELECT kind, payload::text AS text FROM conversation_events"
    )
    started = [decode_event(row["kind"], row["text"]) for row in kinds]
    assert sum(isinstance(one, WorkflowTriggered) for one in started) == 3
