"""Background tasks: loops that wait for a signal, stops, and shared calls."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from typing import Generic, NoReturn, TypeVar

import structlog

from persistence.errors import DATABASE_AWAY

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

log = structlog.get_logger("tasks")


async def run_on_signal(
    signal: asyncio.Event,
    work: Callable[[], Awaitable[None]],
    *,
    name: str,
    retry_pause_s: float,
    poll_interval_s: float | None = None,
) -> NoReturn:
    """Run `work` after each signal, for ever; a failure never ends the loop.

    The signal is cleared before the work: what is signalled meanwhile runs it once
    more. After a failure the loop pauses and then runs the work again, so `work` must
    be safe to repeat. A database that is away is a warning, every other error a bug and
    logged with its traceback.

    Args:
        signal: set by whoever has news.
        work: awaited once per signal, never twice at a time.
        name: stands in the log lines.
        retry_pause_s: seconds between a failure and the next attempt.
        poll_interval_s: run at least this often, also without a signal.
    """
    while True:
        await wait_for_signal(signal, poll_interval_s)
        signal.clear()
        try:
            await work()
        except DATABASE_AWAY as error:
            log.warning("database_away", task=name, error=repr(error))
        except Exception:
            log.exception("task_failed", task=name)
        else:
            continue
        await asyncio.sleep(retry_pause_s)
        signal.set()


async def wait_for_signal(signal: asyncio.Event, timeout_s: float | None) -> None:
    """Wait for a signal, at most so many seconds.

    Not `asyncio.wait_for`: in Python 3.11 it loses a cancellation that comes together
    with the event, and a stop would wait for ever.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await signal.wait()


async def cancel_and_wait(*tasks: "asyncio.Task[object] | None") -> None:
    """Cancel tasks and wait until they have ended; what they raise is dropped."""
    running = [task for task in tasks if task is not None]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


class SingleFlight(Generic[Key, Value]):
    """Lets concurrent callers of one key share one call.

    A caller that is cancelled takes nothing from the others: the call goes on.
    """

    def __init__(self) -> None:
        self._calls: dict[Key, asyncio.Task[Value]] = {}

    async def run(
        self, key: Key, call: Callable[[], Coroutine[None, None, Value]]
    ) -> Value:
        """Join the call of this key that is under way, or begin one."""
        task = self._calls.get(key)
        # A done task may still be here: its callback runs a step later, and a caller
        # that asks again without a pause would be given the old result for ever.
        if task is None or task.done():
            task = asyncio.create_task(call())
            self._calls[key] = task
            task.add_done_callback(lambda ended: self._drop(key, ended))
        return await asyncio.shield(task)

    async def stop(self) -> None:
        """Cancel the calls under way and wait until they have ended."""
        await cancel_and_wait(*self._calls.values())

    def forget_all(self) -> None:
        """Let the next callers begin calls of their own; those under way go on."""
        self._calls.clear()

    def _drop(self, key: Key, ended: "asyncio.Task[Value]") -> None:
        if self._calls.get(key) is ended:
            del self._calls[key]
