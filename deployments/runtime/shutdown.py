"""Turns signals into a request to stop that also ends the wait for slow steps."""

import queue
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from datetime import timedelta
from types import FrameType
from typing import TypeVar

from deployments.runtime.errors import StopRequestedError
from deployments.runtime.ray_workarounds.process_end import cancel_abort

T = TypeVar("T")

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: A step that is nearly through may end before everything is stopped again.
STEP_GRACE = timedelta(seconds=3)
POLL_INTERVAL = timedelta(milliseconds=50)


class StopSignal:
    """Whether the user wants to go on, to stop, or to stop at once."""

    def __init__(self) -> None:
        self._times = 0
        self._event = threading.Event()

    def listen(self) -> None:
        """Count the signals that ask to stop, instead of dying of them.

        Call it in the main thread, and once more when Ray is up: Ray's native code
        installs handlers of its own.
        """
        for number in SIGNALS:
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of a handler
        cancel_abort()
        self.ask()

    def ask(self) -> None:
        """Ask to stop; asked twice it hurries."""
        self._times += 1
        self._event.set()

    @property
    def is_asked(self) -> bool:
        """Whether to stop."""
        return self._times > 0

    @property
    def is_hurried(self) -> bool:
        """Whether to stop without waiting for anything."""
        return self._times > 1

    def wait(self, timeout: timedelta) -> bool:
        """Wait until asked to stop, and return whether it was."""
        return self._event.wait(timeout.total_seconds())


class StepThread:
    """Runs the steps in a thread of its own, so that a signal never waits for one.

    It must be a single thread that lasts: the kernel ends Ray's processes together with
    the thread that started them. And it must not be the main thread: Ray would install
    its own handler for SIGTERM there.
    """

    def __init__(self, stop: StopSignal) -> None:
        self._stop = stop
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        # A daemon: a step that hangs must not keep the process alive.
        self._thread = threading.Thread(target=self._work, name="steps", daemon=True)
        self._thread.start()

    def run(self, step: Callable[[], T]) -> T:
        """Run `step` to its end.

        Raises:
            StopRequestedError: the user wants to stop; the step may still be running.
        """
        if self._stop.is_asked:
            raise StopRequestedError
        future = self._submit(step)
        deadline: float | None = None
        while not _is_done(future):
            if self._stop.is_asked and deadline is None:
                deadline = time.monotonic() + STEP_GRACE.total_seconds()
            if self._stop.is_hurried or (deadline and time.monotonic() > deadline):
                raise StopRequestedError
        if self._stop.is_asked:
            # Ctrl-C reaches our children, too: what a step says of them is no failure.
            raise StopRequestedError from future.exception()
        return future.result()

    def _submit(self, step: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()
        self._jobs.put(lambda: _settle(future, step))
        return future

    def _work(self) -> None:
        while True:
            self._jobs.get()()


def finish(
    step: Callable[[], object],
    timeout: timedelta,
    *,
    give_up: Callable[[], bool] = lambda: False,
) -> bool:
    """Run a step of the stop, but not longer than `timeout` nor once to give up.

    Returns:
        Whether it came to its end. What it raised is raised.
    """
    future: Future[object] = Future()
    # A daemon of its own: a step that hangs holds up neither the others nor the exit.
    thread = threading.Thread(target=_settle, args=(future, step), daemon=True)
    thread.start()
    deadline = time.monotonic() + timeout.total_seconds()
    while not _is_done(future):
        if give_up() or time.monotonic() > deadline:
            return False
    future.result()
    return True


def _settle(future: Future[T], step: Callable[[], T]) -> None:
    try:
        future.set_result(step())
    except BaseException as error:  # noqa: BLE001 - raised where it is awaited
        future.set_exception(error)


def _is_done(future: Future[T]) -> bool:
    try:
        future.exception(timeout=POLL_INTERVAL.total_seconds())
    except NotYet:
        return False
    return True
