"""The simulated loop: time jumps, order is drawn, the killed never stir again."""

import asyncio
from random import Random

import pytest

from tests.simulation.loop import Process, SimulatedLoop


def make_loop(seed: int = 1) -> SimulatedLoop:
    return SimulatedLoop(Random(seed))  # noqa: S311 - an order, no secret


def test_an_hour_passes_at_once() -> None:
    loop = make_loop()

    async def sleep() -> float:
        await asyncio.sleep(3600)
        return loop.time()

    assert loop.run(sleep()) == 3600
    loop.dispose([])


def test_the_order_of_what_is_ready_comes_from_the_seed() -> None:
    def order(seed: int) -> list[int]:
        loop, seen = make_loop(seed), list[int]()

        async def see(number: int) -> None:
            seen.append(number)

        async def all_at_once() -> None:
            await asyncio.gather(*(see(number) for number in range(8)))

        loop.run(all_at_once())
        loop.dispose([])
        return seen

    assert order(1) == order(1)
    assert len({tuple(order(seed)) for seed in range(20)}) > 10


def test_a_killed_process_does_not_even_clean_up() -> None:
    loop, process, seen = make_loop(), Process("victim"), list[str]()

    async def victim() -> None:
        try:
            await asyncio.sleep(1)
            seen.append("woke")
        finally:
            seen.append("cleaned up")

    async def murder() -> None:
        process.context.run(loop.create_task, victim())
        await asyncio.sleep(0.5)
        process.kill()
        await asyncio.sleep(10)
        assert seen == []

    loop.run(murder())
    # Only the burial lets it end, so that the interpreter has nothing to say of it.
    loop.dispose([process])
    assert seen == ["cleaned up"]


def test_what_nothing_will_ever_wake_is_a_failure() -> None:
    loop = make_loop()

    async def wait() -> None:
        await asyncio.Event().wait()

    with pytest.raises(AssertionError, match="never comes"):
        loop.run(wait())
    loop.dispose([])
