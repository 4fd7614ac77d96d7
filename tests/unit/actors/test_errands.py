"""What errands do with an order that comes again."""

import asyncio
from uuid import UUID

from actors.clock import SystemClock
from actors.conversation.effects import DeliverPart
from actors.conversation.errands import Errands
from actors.conversation.events import Event, PartDelivered
from actors.conversation.ports import AnswerJob, OutgoingPart, WrittenAnswer
from actors.conversation.state import Conversation, Send, Source
from persistence.ids import CustomerId, MessageId, SendId
from tests.support.conversations import CHANNEL, NOON, TENANT, Story

SEND = Send(SendId(UUID(int=4)), MessageId(UUID(int=5)), 0, "hello", NOON)
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
    errands = Errands(platform, platform, SystemClock(), results.put_nowait)
    errands.run(STATE, DeliverPart(SEND))
    errands.run(STATE, DeliverPart(SEND))
    platform.may_answer.set()
    assert isinstance(await results.get(), PartDelivered)
    await errands.stop(1)
    assert len(platform.parts) == 1
    assert results.empty()


async def test_a_part_that_came_home_can_be_handed_over_again() -> None:
    platform, results = HeldPlatform(), asyncio.Queue[Event]()
    errands = Errands(platform, platform, SystemClock(), results.put_nowait)
    platform.may_answer.set()
    for _ in range(2):
        errands.run(STATE, DeliverPart(SEND))
        await results.get()
    assert len(platform.parts) == 2
