"""Loops that wait for a signal, stops, and shared calls."""

import asyncio

import asyncpg
import pytest

from actors.tasks import SingleFlight, cancel_and_wait, run_on_signal
from tests.support.logs import heard_log

PAUSE_S = 0.001


class Work:
    """Counts its runs; fails with what it is given, one error per run."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.runs = 0
        self.done = asyncio.Event()

    async def __call__(self) -> None:
        self.runs += 1
        if self.errors:
            raise self.errors.pop(0)
        self.done.set()


async def run_until_done(work: Work, signal: asyncio.Event) -> None:
    task = asyncio.create_task(
        run_on_signal(signal, work, name="test", retry_pause_s=PAUSE_S)
    )
    await work.done.wait()
    await cancel_and_wait(task)
    assert task.cancelled()


async def test_work_runs_once_per_signal() -> None:
    signal, work = asyncio.Event(), Work()
    signal.set()
    await run_until_done(work, signal)
    assert work.runs == 1
    assert not signal.is_set()


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (asyncpg.CannotConnectNowError("starting"), "warning: database_away"),
        (OSError("no route to host"), "warning: database_away"),
        (asyncpg.UndefinedColumnError("no such column"), "error: task_failed"),
        (KeyError("a bug"), "error: task_failed"),
    ],
)
async def test_work_that_failed_is_repeated_and_bugs_are_named(
    error: Exception, line: str
) -> None:
    signal, work = asyncio.Event(), Work(error)
    signal.set()
    with heard_log() as ear:
        await run_until_done(work, signal)
    assert work.runs == 2
    assert ear.texts == [line]


async def test_work_runs_at_least_once_per_poll_interval() -> None:
    signal, work = asyncio.Event(), Work()
    task = asyncio.create_task(
        run_on_signal(
            signal, work, name="test", retry_pause_s=PAUSE_S, poll_interval_s=PAUSE_S
        )
    )
    await work.done.wait()
    await cancel_and_wait(task, None)


async def test_concurrent_callers_of_a_key_share_one_call() -> None:
    flight = SingleFlight[str, int]()
    go, calls = asyncio.Event(), 0

    async def call() -> int:
        nonlocal calls
        calls += 1
        await go.wait()
        return calls

    callers = [asyncio.create_task(flight.run("a", call)) for _ in range(3)]
    await asyncio.sleep(0)
    callers[0].cancel()
    go.set()
    assert await asyncio.gather(*callers[1:]) == [1, 1]
    # The next call is a new one.
    assert await flight.run("a", call) == 2


async def test_callers_after_a_forget_share_nothing_with_those_before() -> None:
    flight = SingleFlight[str, int]()
    go, calls = asyncio.Event(), 0

    async def call() -> int:
        nonlocal calls
        calls += 1
        number = calls
        await go.wait()
        return number

    before = asyncio.create_task(flight.run("a", call))
    await asyncio.sleep(0)
    flight.forget_all()
    after = [asyncio.create_task(flight.run("a", call)) for _ in range(2)]
    go.set()
    assert await before == 1
    # The end of the first call must not end the sharing of the second.
    assert await asyncio.gather(*after) == [2, 2]


async def test_who_asks_after_the_call_has_ended_gets_a_new_one() -> None:
    flight, calls = SingleFlight[str, int](), 0

    async def call() -> int:
        nonlocal calls
        calls += 1
        return calls

    async def ask_when_it_has_ended() -> int:
        # Runs after the call's only step, and before its callbacks.
        await asyncio.sleep(0)
        return await flight.run("a", call)

    first = asyncio.create_task(flight.run("a", call))
    second = asyncio.create_task(ask_when_it_has_ended())
    assert [await first, await second] == [1, 2]


async def test_a_stop_cancels_the_calls_under_way() -> None:
    flight = SingleFlight[str, None]()
    began = asyncio.Event()

    async def call() -> None:
        began.set()
        await asyncio.Event().wait()

    caller = asyncio.create_task(flight.run("a", call))
    await began.wait()
    await flight.stop()
    with pytest.raises(asyncio.CancelledError):
        await caller
