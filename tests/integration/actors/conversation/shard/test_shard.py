"""The shard on a real PostgreSQL: storing, answering, and recovering."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from actors.clock import SystemClock
from actors.conversation.errors import InvalidEventError, ShardUnavailableError
from actors.conversation.events import (
    CustomerWrote,
    OperatorAnswered,
    StatusSet,
)
from actors.conversation.ports import AnswerJob, OutgoingPart, WrittenAnswer
from actors.conversation.rules.policy import Policy
from actors.conversation.shard.envelope import Receipt
from actors.conversation.shard.shard import Shard
from actors.conversation.state import Source, Status
from actors.conversation.traces import AnswerTrace
from actors.errors import ActorError
from persistence.database import Pool
from persistence.errors import DatabaseAwayError
from persistence.ids import (
    ChannelId,
    ConversationId,
    EventId,
    TenantId,
    UserId,
    derive_conversation_id,
    derive_event_id,
)
from persistence.journal import Batch, Epoch, PostgresJournal
from tests.support.waiting import time_limit, wait_for_count

TENANT = TenantId(UUID(int=1))
CHANNEL = ChannelId(UUID(int=2))
QUICK = Policy(reply_debounce=timedelta(milliseconds=50))
#: No answer comes between.
PATIENT = Policy(reply_debounce=timedelta(hours=1))


class EchoResponder:
    """Answers each job with the number of its questions; can be held back."""

    def __init__(self) -> None:
        self.jobs: list[AnswerJob] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.asked = asyncio.Event()
        self.text = "answer to {}"
        self.trace = AnswerTrace()

    async def write(self, job: AnswerJob) -> WrittenAnswer:
        self.jobs.append(job)
        self.asked.set()
        await self.may_answer.wait()
        text = self.text.format(len(job.question_ids))
        return WrittenAnswer(text, trace=self.trace)


class RecordingSender:
    """A platform that takes everything; can be slow."""

    def __init__(self) -> None:
        self.parts: list[OutgoingPart] = []
        #: How many parts it answers at once; it never comes to the others.
        self.answers = asyncio.Semaphore(1000)
        self.asked = asyncio.Event()

    async def send(self, part: OutgoingPart) -> str:
        self.parts.append(part)
        mid = f"mid-{len(self.parts)}"
        self.asked.set()
        await self.answers.acquire()
        return mid


class Bench:
    """A shard with its outside, which can be started again like after a crash."""

    def __init__(self, pool: Pool, policy: Policy = QUICK) -> None:
        self.pool = pool
        self.policy = policy
        self.responder = EchoResponder()
        self.sender = RecordingSender()
        self.shards: list[Shard] = []

    async def start(self, journal: PostgresJournal | None = None) -> Shard:
        shard = Shard(
            shard=0,
            shards=1,
            journal=journal or PostgresJournal(self.pool),
            responder=self.responder,
            sender=self.sender,
            policy=self.policy,
            clock=SystemClock(),
        )
        await shard.start()
        self.shards.append(shard)
        return shard

    async def wait_until(self, query: str, wanted: int) -> None:
        """Wait until `query` counts `wanted`, asked again after each commit."""
        await wait_for_count(self.pool, query, wanted)


@pytest.fixture
async def bench(pool: Pool) -> AsyncIterator[Bench]:
    await pool.execute("INSERT INTO tenants (id, name) VALUES ($1, 'shop')", TENANT)
    await pool.execute(
        "INSERT INTO channels (id, tenant_id, kind, name, account_id)"
        " VALUES ($1, $2, 'website', 'site', 'key')",
        CHANNEL,
        TENANT,
    )
    bench = Bench(pool)
    yield bench
    for shard in bench.shards:
        await shard.stop()


def wrote(
    customer: str, mid: str, text: str = "سلام", source: Source = Source.WEBSITE
) -> CustomerWrote:
    conversation = derive_conversation_id(CHANNEL, customer)
    return CustomerWrote(
        id=derive_event_id(conversation, mid),
        conversation_id=conversation,
        at=SystemClock().now(),
        tenant_id=TENANT,
        channel_id=CHANNEL,
        source=source,
        customer=customer,
        mid=mid,
        text=text,
    )


def answered(event: CustomerWrote, text: str) -> OperatorAnswered:
    return OperatorAnswered(
        id=EventId(uuid4()),
        conversation_id=event.conversation_id,
        at=SystemClock().now(),
        user_id=UserId(uuid4()),
        text=text,
    )


def receipts(results: list[Receipt | ActorError]) -> list[Receipt]:
    assert all(isinstance(result, Receipt) for result in results), results
    return [result for result in results if isinstance(result, Receipt)]


async def test_a_submitted_event_is_stored_when_submit_returns(bench: Bench) -> None:
    bench.policy = PATIENT
    shard = await bench.start()
    (receipt,) = receipts(await shard.submit([wrote("sara", "m1")]))
    row = await bench.pool.fetchrow("SELECT * FROM messages")
    assert row is not None
    assert row["id"] == receipt.event_id
    assert row["seq"] == receipt.seq
    assert row["processing_status"] == "pending"


async def test_predecessor_fault_d1_a_redelivered_webhook_is_stored_once(
    bench: Bench,
) -> None:
    shard = await bench.start()
    event = wrote("sara", "m1")
    first, twin = receipts(await shard.submit([event, event]))
    (again,) = receipts(await shard.submit([event]))
    assert [first.is_duplicate, twin.is_duplicate, again.is_duplicate] == [
        False,
        True,
        True,
    ]
    assert first.seq == again.seq
    await bench.wait_until("SELECT count(*) FROM messages WHERE type = 'AI'", 1)
    assert await bench.pool.fetchval("SELECT count(*) FROM messages") == 2


async def test_predecessor_fault_d3_two_first_messages_make_one_conversation(
    bench: Bench,
) -> None:
    shard = await bench.start()
    await asyncio.gather(
        shard.submit([wrote("sara", "m1")]), shard.submit([wrote("sara", "m2")])
    )
    assert await bench.pool.fetchval("SELECT count(*) FROM conversations") == 1


async def test_a_burst_is_answered_once(bench: Bench) -> None:
    # Longer than a busy machine needs for three commits.
    bench.policy = Policy(reply_debounce=timedelta(seconds=1))
    shard = await bench.start()
    await asyncio.gather(*(shard.submit([wrote("sara", f"m{n}")]) for n in range(3)))
    await bench.wait_until("SELECT count(*) FROM messages WHERE type = 'AI'", 1)
    content = await bench.pool.fetchval("SELECT content FROM messages WHERE type='AI'")
    assert content == "answer to 3"
    assert await bench.pool.fetchval("SELECT count(*) FROM timers") == 0


async def test_a_poisoned_event_fails_alone(bench: Bench) -> None:
    shard = await bench.start()
    # PostgreSQL's text can't hold NUL; the edge refuses it, the shard must survive it.
    results = await shard.submit(
        [wrote("a", "m1"), wrote("b", "m2", "bad\x00text"), wrote("c", "m3")]
    )
    assert [isinstance(result, Receipt) for result in results] == [True, False, True]
    assert await bench.pool.fetchval("SELECT count(*) FROM conversations") == 2


async def test_why_an_event_was_refused_is_not_told_to_who_sent_it(
    bench: Bench,
) -> None:
    shard = await bench.start()
    # A channel that was deleted a moment ago: the database names tables and keys.
    stray = replace(wrote("sara", "m1"), channel_id=ChannelId(uuid4()))
    (refused,) = await shard.submit([stray])
    assert str(refused) == InvalidEventError.__doc__


async def test_an_answer_with_characters_that_cannot_be_stored_is_mended(
    bench: Bench,
) -> None:
    shard = await bench.start()
    bench.responder.text = "a model wrote \x00 and \ud83d."
    await shard.submit([wrote("sara", "m1")])
    await bench.wait_until("SELECT count(*) FROM messages WHERE type = 'AI'", 1)
    content = await bench.pool.fetchval("SELECT content FROM messages WHERE type='AI'")
    assert content == "a model wrote  and ?."


@pytest.mark.parametrize("text", ["", " \n", "\x00", "\u200b"])
async def test_an_answer_without_words_calls_a_person(bench: Bench, text: str) -> None:
    shard = await bench.start()
    bench.responder.text = text
    await shard.submit([wrote("sara", "m1", source=Source.INSTAGRAM)])
    await bench.wait_until(
        "SELECT count(*) FROM messages WHERE processing_status = 'failed'", 1
    )
    assert await bench.pool.fetchval("SELECT needs_operator FROM conversations")


async def test_an_answer_that_cannot_be_stored_calls_a_person(bench: Bench) -> None:
    shard = await bench.start()
    bench.responder.trace = AnswerTrace(model="\x00")
    await shard.submit([wrote("sara", "m1")])
    await bench.wait_until(
        "SELECT count(*) FROM messages WHERE processing_status = 'failed'", 1
    )
    assert await bench.pool.fetchval("SELECT needs_operator FROM conversations")
    assert await bench.pool.fetchval("SELECT count(*) FROM timers") == 0


async def test_an_event_for_nobody_fails_alone(bench: Bench) -> None:
    shard = await bench.start()
    stray = StatusSet(
        id=EventId(uuid4()),
        conversation_id=ConversationId(uuid4()),
        at=SystemClock().now(),
        status=Status.CLOSED,
    )
    results = await shard.submit([stray, wrote("a", "m1")])
    assert [isinstance(result, Receipt) for result in results] == [False, True]


async def test_an_answer_under_way_at_a_crash_is_written_after_it(
    bench: Bench,
) -> None:
    shard = await bench.start()
    bench.responder.may_answer.clear()
    await shard.submit([wrote("sara", "m1")])
    await bench.responder.asked.wait()
    # Not stopped: the new shard takes its place while the old one still runs.
    await bench.start()
    bench.responder.may_answer.set()
    await bench.wait_until("SELECT count(*) FROM messages WHERE type = 'AI'", 1)
    await bench.wait_until("SELECT count(*) FROM timers", 0)
    assert await bench.pool.fetchval("SELECT count(*) FROM messages") == 2


async def test_a_shard_that_lost_its_place_stops_at_its_next_write(
    bench: Bench,
) -> None:
    old = await bench.start()
    new = await bench.start()
    (refused,) = await old.submit([wrote("sara", "m1")])
    assert isinstance(refused, ShardUnavailableError)
    assert not old.is_serving
    (receipt,) = receipts(await new.submit([wrote("sara", "m1")]))
    assert not receipt.is_duplicate


class BrokenJournal(PostgresJournal):
    """Loses a commit's answer, and then meets a bug of ours."""

    async def commit_batch(self, epoch: Epoch, batch: Batch, last_seq: int) -> None:
        """Lose the answer."""
        message = f"{len(batch.events)} events of {epoch}, up to {last_seq}"
        raise DatabaseAwayError(message)

    async def renew_epoch(self, epoch: Epoch) -> Epoch | None:
        """Meet the bug."""
        message = f"a bug, at {epoch}"
        raise RuntimeError(message)


async def test_a_shard_that_meets_a_bug_says_so_and_lets_nobody_wait(
    bench: Bench,
) -> None:
    shard = await bench.start(BrokenJournal(bench.pool))
    (refused,) = await shard.submit([wrote("sara", "m1")])
    assert isinstance(refused, ShardUnavailableError)
    await shard.wait_failed()
    assert not shard.is_serving
    (refused,) = await shard.submit([wrote("sara", "m1")])
    assert isinstance(refused, ShardUnavailableError)


async def test_an_instagram_answer_is_sent_once_and_noted(bench: Bench) -> None:
    shard = await bench.start()
    await shard.submit([wrote("sara", "m1", source=Source.INSTAGRAM)])
    await bench.wait_until("SELECT count(*) FROM outbox WHERE delivery = 'sent'", 1)
    (part,) = bench.sender.parts
    assert part.customer == "sara"
    assert part.content == "answer to 1"
    row = await bench.pool.fetchrow("SELECT * FROM messages WHERE type = 'AI'")
    assert row is not None
    assert (row["delivery"], row["platform_id"]) == ("sent", "mid-1")


async def test_a_shard_that_stops_begins_no_new_send(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One that is cut off may have arrived, and would be sent again after the start.
    monkeypatch.setattr("actors.conversation.shard.shard.STOP_TIMEOUT_S", 0.3)
    bench.policy = PATIENT
    shard = await bench.start()
    slow, long = (wrote(one, "m", source=Source.INSTAGRAM) for one in ("slow", "long"))
    await shard.submit([slow, long])
    bench.sender.answers = asyncio.Semaphore(0)
    await shard.submit([answered(slow, "never comes to its end")])
    await bench.sender.asked.wait()
    bench.sender.answers = asyncio.Semaphore(0)
    await shard.submit([answered(long, "word " * 300)])
    await bench.wait_until("SELECT count(*) FROM outbox WHERE delivery = 'sending'", 2)
    stopping = asyncio.create_task(shard.stop())
    bench.sender.answers.release()
    await stopping
    rows = await bench.pool.fetch(
        "SELECT delivery FROM outbox WHERE conversation_id = $1 ORDER BY part",
        long.conversation_id,
    )
    assert [row["delivery"] for row in rows] == ["sent", "queued"]
    assert len(bench.sender.parts) == 2


async def test_numbers_grow_with_every_commit_and_across_restarts(
    bench: Bench,
) -> None:
    shard = await bench.start()
    first = receipts(await shard.submit([wrote("a", "m1"), wrote("b", "m2")]))
    again = await bench.start()
    (later,) = receipts(await again.submit([wrote("c", "m3")]))
    assert first[0].seq < first[1].seq < later.seq


async def test_a_listener_is_told_of_each_batch(bench: Bench) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()

    def hear(*arguments: object) -> None:
        heard.put_nowait(str(arguments[-1]))

    async with bench.pool.acquire() as connection:
        await connection.add_listener("pilito_messages", hear)
        shard = await bench.start()
        (receipt,) = receipts(await shard.submit([wrote("sara", "m1")]))
        assert await heard.get() == f"0:{receipt.seq}:{receipt.seq}"
        await connection.remove_listener("pilito_messages", hear)


async def test_a_lost_database_connection_loses_nothing(bench: Bench) -> None:
    shard = await bench.start()
    await shard.submit([wrote("sara", "m1")])
    await _sever(bench.pool)
    (result,) = await shard.submit([wrote("sara", "m2")])
    async with time_limit(lambda: result):
        while not isinstance(result, Receipt):
            assert isinstance(result, ShardUnavailableError)
            (result,) = await shard.submit([wrote("sara", "m2")])
    await bench.wait_until("SELECT count(*) FROM messages WHERE type = 'customer'", 2)
    await bench.wait_until("SELECT count(*) FROM timers", 0)


async def _sever(pool: Pool) -> None:
    await pool.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
