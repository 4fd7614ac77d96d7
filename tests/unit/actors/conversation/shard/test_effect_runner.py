"""The effect runner: commands that come again, leases, and stops."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from actors.conversation.effects import DeliverPart, StartReply
from actors.conversation.events import (
    Event,
    PartDelivered,
    PartOutcomeLost,
    PartRefused,
    ReplyFailed,
    ReplyWritten,
)
from actors.conversation.ports import AnswerJob, OutgoingPart, WrittenAnswer
from actors.conversation.shard.effect_runner import EffectRunner
from actors.conversation.state import Conversation, Send, Source
from persistence.ids import CustomerId, EventId, MessageId, SendId
from tests.support.clock import FakeClock
from tests.support.conversation.conversations import CHANNEL, NOON, TENANT, Story

LEASE = timedelta(minutes=1)
#: Sent, it is due when its lease ends.
SEND = Send(SendId(UUID(int=4)), MessageId(UUID(int=5)), 0, "hello", NOON + LEASE)
STATE = Conversation(
    id=Story().id,
    tenant_id=TENANT,
    channel_id=CHANNEL,
    customer_id=CustomerId(UUID(int=6)),
    source=Source.INSTAGRAM,
    platform_id="sara",
    created_at=NOON,
)


class HeldPlatform:
    """Answers when it is let go; answers no questions of customers."""

    def __init__(self) -> None:
        self.parts: list[OutgoingPart] = []
        self.may_answer = asyncio.Event()

    async def send(self, part: OutgoingPart) -> str:
        self.parts.append(part)
        await self.may_answer.wait()
        return "mid-1"

    async def write(self, job: AnswerJob) -> WrittenAnswer:
        raise AssertionError(job)


async def test_a_part_that_is_still_on_its_way_is_not_handed_over_again() -> None:
    # Its lease ended while the platform was slow, or while it waited for its turn
    # behind others: sent again now, the customer would read it twice.
    platform, results = HeldPlatform(), asyncio.Queue[Event]()
    runner = EffectRunner(platform, platform, FakeClock(NOON), results.put_nowait)
    runner.run(STATE, DeliverPart(SEND))
    runner.run(STATE, DeliverPart(SEND))
    platform.may_answer.set()
    assert isinstance(await results.get(), PartDelivered)
    await runner.stop(1)
    assert len(platform.parts) == 1
    assert results.empty()


async def test_a_part_that_came_home_can_be_handed_over_again() -> None:
    platform, results = HeldPlatform(), asyncio.Queue[Event]()
    runner = EffectRunner(platform, platform, FakeClock(NOON), results.put_nowait)
    platform.may_answer.set()
    for _ in range(2):
        runner.run(STATE, DeliverPart(SEND))
        await results.get()
    assert len(platform.parts) == 2


async def test_a_part_whose_lease_is_over_does_not_leave() -> None:
    platform, results = HeldPlatform(), asyncio.Queue[Event]()
    runner = EffectRunner(platform, platform, FakeClock(NOON), results.put_nowait)
    runner.run(STATE, DeliverPart(replace(SEND, due_at=NOON)))
    refused = await results.get()
    assert isinstance(refused, PartRefused)
    assert refused.is_held
    assert platform.parts == []


async def test_a_call_ends_with_its_lease() -> None:
    platform, results = HeldPlatform(), asyncio.Queue[Event]()
    runner = EffectRunner(platform, platform, FakeClock(NOON), results.put_nowait)
    soon = NOON + timedelta(milliseconds=50)
    runner.run(STATE, DeliverPart(replace(SEND, due_at=soon)))
    assert isinstance(await results.get(), PartOutcomeLost)


async def test_a_part_that_was_withdrawn_in_its_own_batch_does_not_leave() -> None:
    platform, results = HeldPlatform(), asyncio.Queue[Event]()
    runner = EffectRunner(platform, platform, FakeClock(NOON), results.put_nowait)
    taken_over = replace(STATE, sends=(replace(SEND, is_withdrawn=True),))
    runner.run(taken_over, DeliverPart(SEND))
    assert isinstance(await results.get(), PartRefused)
    assert platform.parts == []


async def test_a_part_that_gets_no_place_in_time_goes_back_unsent() -> None:
    # Platforms that hang hold all places: where there are no echoes, a part whose lease
    # ended would be given up, although it had never left.
    platform, results = HeldPlatform(), asyncio.Queue[Event]()
    runner = EffectRunner(
        platform, platform, FakeClock(NOON), results.put_nowait, max_sends=1
    )
    runner.run(STATE, DeliverPart(SEND))
    soon = NOON + timedelta(milliseconds=50)
    runner.run(STATE, DeliverPart(replace(SEND, id=SendId(UUID(int=7)), due_at=soon)))
    refused = await results.get()
    assert isinstance(refused, PartRefused)
    assert refused.is_held
    assert len(platform.parts) == 1
    platform.may_answer.set()
    assert isinstance(await results.get(), PartDelivered)


async def test_a_part_that_waits_for_a_place_at_a_stop_is_not_in_doubt() -> None:
    # Its row would say that it is under way; where there are no echoes, the next start
    # would give it up.
    platform, results = HeldPlatform(), asyncio.Queue[Event]()
    runner = EffectRunner(
        platform, platform, FakeClock(NOON), results.put_nowait, max_sends=1
    )
    runner.run(STATE, DeliverPart(SEND))
    runner.run(STATE, DeliverPart(replace(SEND, id=SendId(UUID(int=7)))))
    await runner.stop(0.01)
    refused = results.get_nowait()
    assert isinstance(refused, PartRefused)
    assert refused.send_id == SendId(UUID(int=7))
    assert results.empty()


class OneAnswer(HeldPlatform):
    """Writes one answer."""

    def __init__(self, answer: WrittenAnswer) -> None:
        super().__init__()
        self._answer = answer

    async def write(self, job: AnswerJob) -> WrittenAnswer:
        assert job.question_ids
        return self._answer


async def write_one(answer: WrittenAnswer) -> Event:
    """Return the event that comes of an answer."""
    responder, results = OneAnswer(answer), asyncio.Queue[Event]()
    runner = EffectRunner(responder, responder, FakeClock(NOON), results.put_nowait)
    runner.run(STATE, StartReply(EventId(UUID(int=7)), (MessageId(UUID(int=8)),)))
    return await results.get()


async def test_y7_a_silent_handover_is_no_failure() -> None:
    event = await write_one(WrittenAnswer("", is_handover=True))
    assert isinstance(event, ReplyWritten)
    assert (event.text, event.is_handover) == ("", True)


async def test_an_answer_without_words_is_a_failure() -> None:
    for answer in (WrittenAnswer(""), WrittenAnswer(" \u200c", is_handover=True)):
        assert isinstance(await write_one(answer), ReplyFailed)
