"""The fair semaphore: who enters, who waits, who is next."""

import asyncio

import pytest

from actors.errors import TooManyWaitingError
from actors.fair_semaphore import FairSemaphore


async def test_a_tenant_that_fills_its_places_leaves_some_to_others() -> None:
    places = FairSemaphore(64, share=8)
    waiting = [asyncio.create_task(places.acquire("busy")) for _ in range(100)]
    await asyncio.sleep(0)
    assert sum(task.done() for task in waiting) == 48
    # Each of them below its share: none waits.
    assert not any([await places.acquire("other") for _ in range(8)])
    assert not any([await places.acquire("third") for _ in range(8)])
    for task in waiting:
        task.cancel()


@pytest.mark.parametrize("n_places", [2, 3])
async def test_of_few_places_one_is_kept_for_who_begins_to_ask(n_places: int) -> None:
    places = FairSemaphore(n_places)
    waiting = [asyncio.create_task(places.acquire("busy")) for _ in range(9)]
    await asyncio.sleep(0)
    assert sum(task.done() for task in waiting) == n_places - 1
    assert not await places.acquire("quiet")
    for task in waiting:
        task.cancel()


async def test_a_place_goes_to_the_tenant_that_has_the_fewest() -> None:
    places, order = FairSemaphore(1), asyncio.Queue[str]()

    async def come(tenant: str) -> None:
        async with places.place(tenant):
            order.put_nowait(tenant)

    await places.acquire("busy")
    comers = [asyncio.create_task(come(name)) for name in ("busy", "busy", "quiet")]
    await asyncio.sleep(0)
    places.release("busy")
    await asyncio.gather(*comers)
    # With nothing in anybody's hands the first who came is next.
    assert [order.get_nowait() for _ in comers] == ["busy", "busy", "quiet"]
    await places.acquire("busy")
    places = FairSemaphore(8, share=2)
    held = [await places.acquire("busy") for _ in range(6)]
    assert not any(held)
    for _ in range(2):
        assert not await places.acquire("quiet")
    comers = [asyncio.create_task(come(name)) for name in ("busy", "quiet")]
    await asyncio.sleep(0)
    places.release("busy")
    await asyncio.sleep(0)
    assert not comers[0].done()
    places.release("quiet")
    await asyncio.gather(comers[1])
    assert order.get_nowait() == "quiet"
    comers[0].cancel()


async def test_of_one_tenant_the_lane_with_the_fewest_is_next() -> None:
    places = FairSemaphore(4, share=1)
    for _ in range(3):
        await places.acquire("shop", "hanging")
    hanging = asyncio.create_task(places.acquire("shop", "hanging"))
    await asyncio.sleep(0)
    quick = asyncio.create_task(places.acquire("shop", "quick"))
    await asyncio.sleep(0)
    places.release("shop", "hanging")
    assert await quick
    assert not hanging.done()
    hanging.cancel()


async def test_a_queue_that_is_too_long_is_refused_and_no_other() -> None:
    places = FairSemaphore(1, max_waiting=2, max_waiting_in_all=3)
    await places.acquire("busy")
    waiting = [asyncio.create_task(places.acquire("busy")) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyWaitingError):
        await places.acquire("busy")
    other = asyncio.create_task(places.acquire("other"))
    await asyncio.sleep(0)
    assert not other.done()
    for task in (*waiting, other):
        task.cancel()


async def test_a_caller_that_bounds_how_many_come_is_never_refused() -> None:
    places = FairSemaphore(1, max_waiting=None, max_waiting_in_all=3)
    await places.acquire("busy")
    waiting = [asyncio.create_task(places.acquire("busy")) for _ in range(9)]
    await asyncio.sleep(0)
    for _ in waiting:
        places.release("busy")
        await asyncio.sleep(0)
    assert all(await asyncio.gather(*waiting))


async def test_a_crowd_that_takes_all_it_can_get_leaves_a_place_to_a_newcomer() -> None:
    places = FairSemaphore(192, share=4, spare=64)
    crowd = [
        [asyncio.create_task(places.acquire(tenant)) for _ in range(200)]
        for tenant in range(16)
    ]
    await asyncio.sleep(0)
    held = [sum(task.done() for task in tasks) for tasks in crowd]
    # The first two thirds, who come later their shares.
    assert held == [128] + [4] * 15
    assert not await places.acquire("newcomer")
    # What the first gives back goes to all in turns, and leaves a third free again.
    for _ in range(100):
        places.release(0)
    await asyncio.sleep(0)
    held = [sum(task.done() for task in tasks) for tasks in crowd]
    assert sum(held) - 100 + 1 == 192 - 64
    assert set(held[1:]) <= {6, 7}
    for task in (task for tasks in crowd for task in tasks):
        task.cancel()


async def test_who_gives_up_leaves_no_place_taken() -> None:
    places = FairSemaphore(1)
    await places.acquire("a")
    waiting = asyncio.create_task(places.acquire("b"))
    await asyncio.sleep(0)
    # The place comes in the same moment in which the caller gives up, both ways round.
    waiting.cancel()
    places.release("a")
    await asyncio.gather(waiting, return_exceptions=True)
    assert not await places.acquire("c")
    waiting = asyncio.create_task(places.acquire("b"))
    await asyncio.sleep(0)
    places.release("c")
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert not await places.acquire("d")
