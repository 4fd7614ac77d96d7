"""The queue of a shard: batches, order, and the wait for a restart."""

import asyncio
from collections.abc import Sequence

import pytest

from actors.conversation.client import ShardClient
from actors.conversation.errors import ShardUnavailableError, UnknownConversationError
from actors.conversation.events import Event
from actors.conversation.shard.envelope import Receipt
from actors.errors import ActorError
from tests.support.conversation.conversations import Story


class FakeShard:
    """Answers calls; is away for the first so many, and can be held back."""

    def __init__(self, away: int = 0) -> None:
        self.calls: list[list[Event]] = []
        self.away = away
        self.refuses = False
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, events: Sequence[Event]) -> list[Receipt | ActorError]:
        await self.may_answer.wait()
        if self.away > 0:
            self.away -= 1
            raise ShardUnavailableError
        self.calls.append(list(events))
        if self.refuses:
            return [UnknownConversationError() for _ in events]
        return [Receipt(event.id, 1) for event in events]


def events(count: int) -> list[Event]:
    story = Story()
    return [
        story.customer_event("سلام", number, f"m{number}") for number in range(count)
    ]


async def test_what_gathers_while_a_call_is_under_way_goes_in_the_next() -> None:
    shard = FakeShard()
    client = ShardClient(1, call_for=lambda _: shard)
    shard.may_answer.clear()
    first, *rest = events(5)
    tasks = [asyncio.create_task(client.submit(first))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    tasks += [asyncio.create_task(client.submit(event)) for event in rest]
    await asyncio.sleep(0)
    shard.may_answer.set()
    receipts = await asyncio.gather(*tasks)
    assert [receipt.event_id for receipt in receipts] == [e.id for e in (first, *rest)]
    assert [len(call) for call in shard.calls] == [1, 4]


async def test_a_shard_that_restarts_makes_callers_wait_and_keeps_their_order() -> None:
    shard = FakeShard(away=2)
    client = ShardClient(1, call_for=lambda _: shard)
    wanted = events(3)
    await asyncio.gather(*(client.submit(event) for event in wanted))
    assert [event.id for call in shard.calls for event in call] == [
        event.id for event in wanted
    ]


async def test_a_shard_that_stays_away_is_an_error_that_says_so() -> None:
    shard = FakeShard(away=1000)
    client = ShardClient(1, call_for=lambda _: shard, timeout_s=0)
    (event,) = events(1)
    with pytest.raises(ShardUnavailableError):
        await client.submit(event)


async def test_a_refusal_reaches_the_caller() -> None:
    shard = FakeShard()
    shard.refuses = True
    client = ShardClient(1, call_for=lambda _: shard)
    (event,) = events(1)
    with pytest.raises(UnknownConversationError):
        await client.submit(event)


async def test_events_go_to_the_shard_that_owns_their_conversation() -> None:
    shards = [FakeShard(), FakeShard(), FakeShard()]
    client = ShardClient(3, call_for=lambda number: shards[number])
    stories = [Story(customer=f"c{number}") for number in range(30)]
    sent = [story.customer_event("سلام", 0, mid="m") for story in stories]
    await asyncio.gather(*(client.submit(event) for event in sent))
    for number, shard in enumerate(shards):
        for call in shard.calls:
            owners = {
                int.from_bytes(e.conversation_id.bytes[:2]) % 1024 % 3 for e in call
            }
            assert owners == {number}
    assert sum(len(call) for shard in shards for call in shard.calls) == 30
