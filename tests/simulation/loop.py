"""A simulated event loop: time is a number, and the order is drawn from a seed.

When nothing is ready, time jumps to the next timer. The callbacks of a killed process
never run again, not even its `finally` blocks, as after `kill -9`.
"""

import asyncio
import heapq
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass
from random import Random
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

#: A history that takes more steps than this goes round in circles.
MAX_STEPS = 100_000


class Process:
    """A simulated process: all tasks and timers that were started within it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_dead = False
        self.context = copy_context()
        self.context.run(_PROCESS.set, self)

    def kill(self) -> None:
        """Stop it between two steps; it does not notice."""
        self.is_dead = True


_PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


@dataclass(frozen=True, slots=True)
class _Call:
    handle: asyncio.Handle
    process: Process | None

    @property
    def is_dead(self) -> bool:
        return self.process is not None and self.process.is_dead


class SimulatedLoop(asyncio.BaseEventLoop):
    """Runs callbacks one at a time, in an order that only the seed decides."""

    def __init__(self, random: Random, *, is_shuffled: bool = True) -> None:
        self._is_live = False
        super().__init__()
        self._random = random
        self._is_shuffled = is_shuffled
        self._now = 0.0
        self._count = 0
        self._soon: list[_Call] = []
        self._later: list[tuple[float, int, _Call]] = []
        #: The pending callbacks of killed processes; see `dispose`.
        self._killed_calls: list[_Call] = []
        #: What went wrong in callbacks and tasks that nobody awaits.
        self.failures: list[str] = []
        self.steps = 0
        #: Called between two steps: the place for a crash.
        self.between_steps: Callable[[], None] = lambda: None

    def time(self) -> float:
        """Return the seconds since the history began."""
        return self._now

    def is_running(self) -> bool:
        """Return whether a callback may be under way."""
        return self._is_live

    def call_soon(
        self,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """Put a callback among those that are ready."""
        context = copy_context() if context is None else context
        handle = asyncio.Handle(callback, args, self, context)
        self._soon.append(_Call(handle, context.get(_PROCESS)))
        return handle

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Put a callback among those that wait for their time."""
        context = copy_context() if context is None else context
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self._count += 1
        call = _Call(timer, context.get(_PROCESS))
        heapq.heappush(self._later, (when, self._count, call))
        return timer

    def call_exception_handler(self, context: dict[str, object]) -> None:
        """Keep what asyncio would only have logged."""
        error = context.get("exception")
        message = str(context.get("message"))
        # Answers that a killed process never read, and its tasks, are no news.
        if "Future exception" not in message and "destroyed" not in message:
            self.failures.append(f"{message}: {error!r}")

    def run(self, main: Coroutine[None, None, T]) -> T:
        """Run until `main` ends, and return what it returns."""
        with self._running():
            task = self.create_task(main)
            while not task.done():
                self.step()
                self.between_steps()
                if self.failures:
                    raise AssertionError(self.failures[0])
            return task.result()

    def step(self) -> None:
        """Run one callback, after time has moved on if nothing was ready."""
        while not self._soon:
            self._advance()
        self.steps += 1
        if self.steps > MAX_STEPS:
            message = "the history never ends"
            raise AssertionError(message)
        place = self._random.randrange(len(self._soon)) if self._is_shuffled else 0
        call = self._soon.pop(place)
        if call.is_dead:
            self._killed_calls.append(call)
        elif not call.handle.cancelled():
            call.handle._run()

    def dispose(self, processes: list[Process]) -> None:
        """Cancel all tasks that are left, so that none runs when it is collected.

        Killed processes run again for it, with their pending callbacks: a task whose
        wake-up is pending can't be cancelled otherwise.
        """
        for process in processes:
            process.is_dead = False
        self._soon += self._killed_calls
        self.steps = 0
        with self._running():
            while tasks := asyncio.all_tasks(self):
                for task in tasks:
                    task.cancel()
                for _ in range(len(self._soon)):
                    self.step()
        self.failures.clear()
        self.close()

    def _advance(self) -> None:
        """Let time jump to the next timer, and make ready all that is due by then."""
        if not self._later:
            message = "everything waits for something that never comes"
            raise AssertionError(message)
        self._now = max(self._now, self._later[0][0])
        while self._later and self._later[0][0] <= self._now:
            call = heapq.heappop(self._later)[2]
            if not call.handle.cancelled():
                self._soon.append(call)

    @contextmanager
    def _running(self) -> Iterator[None]:
        asyncio.events._set_running_loop(self)
        self._is_live = True
        try:
            yield
        finally:
            self._is_live = False
            asyncio.events._set_running_loop(None)
