"""Waits of the tests. A wait that takes too long fails with the last value it saw."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from statistics import median

from persistence.database import Pool

#: Many times what anything in a test takes on a busy machine.
TIMEOUT_S = 30.0
#: How much slower than a promise a machine may be that does other work meanwhile.
SLACK = 3


@asynccontextmanager
async def time_limit(
    last_value: Callable[[], object], timeout_s: float = TIMEOUT_S
) -> AsyncIterator[None]:
    """Limit the time of a block. Raises AssertionError with the last value."""
    limit = asyncio.timeout(timeout_s)
    try:
        async with limit:
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        message = f"after {timeout_s:g} s: {last_value()}"
        raise AssertionError(message) from error


async def wait_until(holds: Callable[[], bool], timeout_s: float = TIMEOUT_S) -> None:
    """Wait for a change that no event reports, by polling."""
    async with time_limit(lambda: describe(holds), timeout_s):
        while not holds():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)


def describe(condition: Callable[[], object]) -> str:
    """Return the source of a condition and the values that it reads."""
    source = " ".join(inspect.getsource(condition).split())
    return f"{source} with {dict(inspect.getclosurevars(condition).nonlocals)}"


async def wait_for_count(
    pool: Pool,
    query: str,
    wanted: int,
    *args: object,
    channel: str = "pilito_messages",
    timeout_s: float = TIMEOUT_S,
) -> None:
    """Wait until `query` counts `wanted`, asked again after each commit."""
    committed = asyncio.Event()
    count: object = None

    def on_notify(*_: object) -> None:
        committed.set()

    async with (
        time_limit(lambda: f"{count}, not {wanted}: {query} {args}", timeout_s),
        pool.acquire() as connection,
    ):
        await connection.add_listener(channel, on_notify)
        try:
            while (count := await connection.fetchval(query, *args)) != wanted:
                await committed.wait()
                committed.clear()
        finally:
            await connection.remove_listener(channel, on_notify)


def check_promise(took_s: list[float], promise: timedelta) -> None:
    """Check that what was measured several times keeps a promise of the product.

    The median, so that no single stall of the machine counts. What depends on a poll,
    or on a retry, takes longer than the slack allows.
    """
    assert median(took_s) < SLACK * promise.total_seconds(), took_s
