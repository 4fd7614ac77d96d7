"""Answers and sends: a flooded shop delays no other, and time may jump."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import pytest

from actors.clock import Clock
from actors.conversation.errors import AnswerFailedError
from actors.conversation.events import CustomerWrote, OperatorAnswered
from actors.conversation.ports import AnswerJob, OutgoingPart, WrittenAnswer
from actors.conversation.reasons import FailureReason
from actors.conversation.rules.policy import Policy
from actors.conversation.shard.effect_runner import MAX_REPLIES, MAX_SENDS
from actors.conversation.state import Source
from actors.fair_semaphore import MAX_WAITING
from deployments.answers.answer_draft import AnswerDraft
from deployments.answers.responder import AnswerWriter
from persistence.channels import Channel, ChannelKind
from persistence.database import Pool
from persistence.ids import (
    ConversationId,
    EventId,
    MessageId,
    TenantId,
    UserId,
    derive_conversation_id,
    derive_event_id,
)
from retrieval.dialogue.turns import Burst, Turn
from retrieval.index.knowledge import EVERYTHING, RetrievalFilter
from retrieval.text.language import Language
from tests.support.api import EmptyRetriever, LocalShards
from tests.support.clock import FakeClock
from tests.support.waiting import time_limit, wait_for_count, wait_until
from tests.support.website import add_shop

AT_ONCE = Policy(reply_debounce=timedelta(0))
ANSWERED = """SELECT count(*) FROM messages WHERE tenant_id = $1 AND type = 'AI'"""
SENT = f"{ANSWERED} AND delivery = 'sent'"


class SlowForOne:
    """A model and a platform that never come to the end for one tenant."""

    def __init__(self, slow: TenantId) -> None:
        self._slow = slow
        self._end = asyncio.Event()
        self.writing = 0
        self.sending = 0
        self.sent: list[str] = []

    def finish(self) -> None:
        """Come to the end of all."""
        self._end.set()

    async def write(self, job: AnswerJob) -> WrittenAnswer:
        """Write at once, but not for the one."""
        if job.tenant_id == self._slow:
            self.writing += 1
            await self._end.wait()
        return WrittenAnswer("an answer")

    async def send(self, part: OutgoingPart) -> str:
        """Send at once, but not for the one."""
        if part.tenant_id == self._slow:
            self.sending += 1
            await self._end.wait()
        self.sent.append(part.content)
        return f"mid-{part.send_id}"


class Quick:
    """A model that answers at once."""

    async def write(self, job: AnswerJob) -> WrittenAnswer:
        """Answer."""
        return WrittenAnswer(f"an answer to {len(job.question_ids)}")


def ask(channel: Channel, customer: str, clock: Clock) -> CustomerWrote:
    """Let a customer ask something."""
    conversation_id = derive_conversation_id(channel.id, customer)
    return CustomerWrote(
        id=derive_event_id(conversation_id, "m1"),
        conversation_id=conversation_id,
        at=clock.now(),
        tenant_id=channel.tenant_id,
        channel_id=channel.id,
        source=Source(channel.kind),
        customer=customer,
        mid="m1",
        text="how much is it?",
    )


async def flood(shards: LocalShards, channel: Channel, questions: int) -> None:
    """Let many customers of a channel ask."""
    clock = FakeClock()
    events = [ask(channel, f"busy-{number}", clock) for number in range(questions)]
    for start in range(0, questions, 250):
        await shards.shard.submit(events[start : start + 250])


@asynccontextmanager
async def running(shards: LocalShards) -> AsyncIterator[LocalShards]:
    """Run a shard."""
    await shards.shard.start()
    yield shards
    await shards.shard.stop()


@pytest.fixture
async def busy(pool: Pool) -> Channel:
    """The channel of a shop that is flooded."""
    return await add_shop(pool, ChannelKind.TELEGRAM, "busy")


@pytest.fixture
async def quiet(pool: Pool) -> Channel:
    """The channel of another shop."""
    return await add_shop(pool, ChannelKind.TELEGRAM, "quiet")


async def test_trust_m14_a_flooded_shop_delays_no_other_shops_answer(
    pool: Pool, busy: Channel, quiet: Channel
) -> None:
    slow = SlowForOne(busy.tenant_id)
    async with running(LocalShards(pool, slow, slow, AT_ONCE)) as shards:
        await flood(shards, busy, 500)
        await wait_until(lambda: slow.writing >= MAX_REPLIES * 3 // 4)
        await shards.submit(ask(quiet, "sara", FakeClock()))
        await wait_for_count(pool, ANSWERED, 1, quiet.tenant_id)
        assert slow.writing == MAX_REPLIES * 3 // 4


async def test_trust_m14_questions_that_would_wait_too_long_call_a_person(
    pool: Pool, busy: Channel, quiet: Channel
) -> None:
    slow = SlowForOne(busy.tenant_id)
    written = MAX_REPLIES * 3 // 4
    failed = """SELECT count(*) FROM messages m
        JOIN conversations c ON c.id = m.conversation_id
        WHERE m.tenant_id = $1 AND m.processing_status = 'failed' AND c.needs_operator
            AND m.metadata ->> 'failure_reason' = $2"""
    reason = FailureReason.TOO_MANY_WAIT.value
    async with running(LocalShards(pool, slow, slow, AT_ONCE)) as shards:
        await flood(shards, busy, written + MAX_WAITING + 30)
        await wait_for_count(pool, failed, 30, busy.tenant_id, reason)
        await shards.submit(ask(quiet, "sara", FakeClock()))
        await wait_for_count(pool, ANSWERED, 1, quiet.tenant_id)


async def test_trust_m14_a_platform_that_hangs_holds_up_no_other_channel(
    pool: Pool, busy: Channel, quiet: Channel
) -> None:
    class HangingPlatform(SlowForOne):
        async def write(self, job: AnswerJob) -> WrittenAnswer:
            return WrittenAnswer(f"an answer to {job.conversation_id}")

    slow = HangingPlatform(busy.tenant_id)
    async with running(LocalShards(pool, slow, slow, AT_ONCE)) as shards:
        await flood(shards, busy, 100)
        await wait_until(lambda: slow.sending >= MAX_SENDS * 3 // 4)
        await shards.submit(ask(quiet, "sara", FakeClock()))
        async with time_limit(lambda: "not sent", timeout_s=10):
            await wait_for_count(pool, SENT, 1, quiet.tenant_id)


async def test_trust_m14_the_responders_places_are_shared_out_too(
    pool: Pool, busy: Channel, quiet: Channel
) -> None:
    class SlowSearch(EmptyRetriever):
        async def answer(
            self,
            tenant_id: TenantId,
            burst: Burst,
            turns: Sequence[Turn],
            language: Language,
            *,
            only: RetrievalFilter = EVERYTHING,
        ) -> AnswerDraft:
            found = await super().answer(tenant_id, burst, turns, language, only=only)
            if tenant_id == busy.tenant_id:
                await asyncio.Event().wait()
            return found

    search = SlowSearch()
    writer = AnswerWriter(pool, search, None, max_answers=8)
    async with running(LocalShards(pool)) as shards:
        jobs = []
        for channel, count in ((busy, 20), (quiet, 1)):
            for number in range(count):
                event = ask(channel, f"c{number}", FakeClock())
                await shards.submit(event)
                jobs.append(
                    AnswerJob(
                        channel.tenant_id, event.conversation_id, (MessageId(event.id),)
                    )
                )
        flooding = [asyncio.create_task(writer.write(job)) for job in jobs[:-1]]
        await wait_until(lambda: len(search.queries) == 6)
        async with time_limit(lambda: "no answer", timeout_s=10):
            assert (await writer.write(jobs[-1])).text
        for task in flooding:
            task.cancel()


async def test_trust_l11_a_part_that_waited_is_not_sent_after_a_person_took_over(
    pool: Pool, busy: Channel, quiet: Channel
) -> None:
    class OneHangs(SlowForOne):
        async def write(self, job: AnswerJob) -> WrittenAnswer:
            return WrittenAnswer(f"the AI answers {job.tenant_id}")

    slow = OneHangs(busy.tenant_id)
    queued = "SELECT count(*) FROM outbox WHERE tenant_id = $1 AND delivery = 'sending'"
    shards = LocalShards(pool, slow, slow, AT_ONCE, max_sends=1)
    async with running(shards):
        await shards.submit(ask(busy, "ali", FakeClock()))
        await wait_until(lambda: slow.sending == 1)
        event = ask(quiet, "sara", FakeClock())
        await shards.submit(event)
        # Ordered, and recorded as under way: it waits for the one place.
        await wait_for_count(pool, queued, 1, quiet.tenant_id)
        await shards.submit(take_over(event.conversation_id))
        slow.finish()
        await wait_until(lambda: "a person answers" in slow.sent)
    assert f"the AI answers {quiet.tenant_id}" not in slow.sent


def take_over(conversation_id: ConversationId) -> OperatorAnswered:
    """Let an operator answer."""
    return OperatorAnswered(
        id=EventId(uuid4()),
        conversation_id=conversation_id,
        at=FakeClock().now(),
        user_id=UserId(uuid4()),
        text="a person answers",
    )


async def test_trust_s3_a_timer_fires_soon_after_the_clock_has_jumped(
    pool: Pool, busy: Channel
) -> None:
    clock = FakeClock()
    policy = Policy(reply_debounce=timedelta(hours=1))
    shards = LocalShards(pool, Quick(), policy=policy, clock=clock)
    async with running(shards):
        await shards.submit(ask(busy, "sara", clock))
        # As after a suspend: the wall clock is on, the monotonic one has stood still.
        clock.advance(timedelta(hours=1))
        await wait_for_count(pool, ANSWERED, 1, busy.tenant_id)


async def test_trust_l9_a_reason_that_tenants_see_names_nothing_inside(
    pool: Pool, busy: Channel
) -> None:
    class Broken(EmptyRetriever):
        async def answer(
            self,
            tenant_id: TenantId,
            burst: Burst,
            turns: Sequence[Turn],
            language: Language,
            *,
            only: RetrievalFilter = EVERYTHING,
        ) -> AnswerDraft:
            await super().answer(tenant_id, burst, turns, language, only=only)
            message = "connection to server at 10.0.0.7 failed"
            raise ConnectionRefusedError(message)

    writer = AnswerWriter(
        pool, Broken(), None, database_timeout=timedelta(milliseconds=1)
    )
    async with running(LocalShards(pool)) as shards:
        event = ask(busy, "sara", FakeClock())
        await shards.submit(event)
        job = AnswerJob(busy.tenant_id, event.conversation_id, (MessageId(event.id),))
        with pytest.raises(AnswerFailedError) as failed:
            await writer.write(job)
    assert str(failed.value) == FailureReason.DATABASE_AWAY
