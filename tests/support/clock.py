"""A clock that stands still until a test turns it."""

from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class FakeClock:
    """Begins at noon."""

    def __init__(self, at: datetime = NOON) -> None:
        self._at = at

    def now(self) -> datetime:
        """Return the instant that the test has set."""
        return self._at

    def advance(self, by: timedelta) -> None:
        """Turn the clock on."""
        self._at += by
