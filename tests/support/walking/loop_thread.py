"""An event loop in a thread of its own, for tests that have none."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Self, TypeVar

Result = TypeVar("Result")


class LoopThread:
    """Runs coroutines of tests whose examples Hypothesis calls one after another."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        """Start the thread."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it, with all that runs in it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(
        self, work: Coroutine[object, object, Result], timeout_s: float = 100.0
    ) -> Result:
        """Run the coroutine in the thread; return its result.

        Raises:
            TimeoutError: it did not end in time.
        """
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(timeout_s)
