"""The lane to a shard: batches, order, and patience with one that restarts."""

import asyncio
from collections.abc import Sequence

import pytest

from actors.conversation.client import ShardClient
from actors.conversation.errors import (
    ActorError,
    ShardUnavailableError,
    UnknownConversationError,
)
from actors.conversation.events import Event
from actors.conversation.shard import Receipt
from tests.support.conversations import Story


class FakeShard:
    """Answers calls; is away for the first so many, and can be held back."""

    def __init__(self, away: int = 0) -> None:
        #: Calls in the order in which they came, and those that were answered.
        self.asked: list[list[Event]] = []
        self.calls: list[list[Event]] = []
        self.away = away
        self.refuses = False
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, events: Sequence[Event]) -> list[Receipt | ActorError]:
        self.asked.append(list(events))
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


def others(count: int) -> list[Event]:
    """One event of each of so many conversations."""
    stories = [Story(customer=f"other {number}") for number in range(count)]
    return [story.customer_event("سلام", 0, "m") for story in stories]


async def under_way(client: ShardClient, *calls: list[Event]) -> "Submits":
    """Submit each list of events in a turn of the loop of its own."""
    tasks: Submits = []
    for call in calls:
        tasks += [asyncio.create_task(client.submit(event)) for event in call]
        # A turn to submit, and one to start the call.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    return tasks


Submits = list[asyncio.Task[Receipt]]


async def test_what_gathers_while_calls_are_under_way_goes_in_the_next() -> None:
    shard = FakeShard()
    client = ShardClient(1, call_for=lambda _: shard)
    shard.may_answer.clear()
    sent = others(7)
    tasks = await under_way(client, sent[:1], sent[1:3], sent[3:5], sent[5:])
    shard.may_answer.set()
    receipts = await asyncio.gather(*tasks)
    assert [receipt.event_id for receipt in receipts] == [event.id for event in sent]
    assert [len(call) for call in shard.asked] == [1, 2, 4]


async def test_a_conversations_events_are_never_in_two_calls_at_once() -> None:
    shard = FakeShard()
    client = ShardClient(1, call_for=lambda _: shard)
    shard.may_answer.clear()
    (first, second), (other,) = events(2), others(1)
    tasks = await under_way(client, [first], [second, other])
    shard.may_answer.set()
    await asyncio.gather(*tasks)
    # The other conversation went ahead; the second text waited for the first.
    assert shard.asked == [[first], [other], [second]]


async def test_a_call_that_failed_is_not_overtaken_by_its_conversation() -> None:
    shard = FakeShard(away=1)
    client = ShardClient(1, call_for=lambda _: shard)
    shard.may_answer.clear()
    wanted = events(4)
    tasks = await under_way(client, *([event] for event in wanted))
    shard.may_answer.set()
    await asyncio.gather(*tasks)
    assert [event for call in shard.calls for event in call] == wanted


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
    client = ShardClient(1, call_for=lambda _: shard, patience_s=0)
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
