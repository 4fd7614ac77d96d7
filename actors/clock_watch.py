"""Notices that the wall clock was changed, by a clock that only counts."""

from collections.abc import Callable
from datetime import timedelta

from actors.clock import Clock, read_elapsed

#: Corrections by NTP are smaller, or are made slowly.
TOLERANCE = timedelta(seconds=10)


class ClockWatch:
    """Compares the wall clock with the time that has passed."""

    def __init__(
        self, clock: Clock, elapsed: Callable[[], timedelta] = read_elapsed
    ) -> None:
        self._clock = clock
        self._elapsed = elapsed
        self._seen = clock.now(), elapsed()
        self._steady_since = self._seen[1]

    def read_jump(self) -> timedelta:
        """Return by how much the clock was changed since the last call; often zero."""
        now, elapsed = self._clock.now(), self._elapsed()
        jump = (now - self._seen[0]) - (elapsed - self._seen[1])
        self._seen = now, elapsed
        if abs(jump) < TOLERANCE:
            return timedelta(0)
        self._steady_since = elapsed
        return jump

    def is_steady(self, span: timedelta) -> bool:
        """Tell whether the clock has gone on as time does, for so long at least."""
        self.read_jump()
        return self._elapsed() - self._steady_since >= span
