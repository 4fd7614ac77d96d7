"""What wakes the monitor between two slots: the database's notifications, as events."""

import asyncio


class Bell:
    """Rings; an empty word means that some may have been missed."""

    def __init__(self) -> None:
        #: Services were made or switched on.
        self.services = asyncio.Event()
        #: Another runtime's caller wants a check.
        self.asked = asyncio.Event()
        self._answered = asyncio.Event()

    def hear(self, word: str) -> None:
        """Take a notification."""
        if word in {"services", ""}:
            self.services.set()
        if word in {"asked", ""}:
            self.asked.set()
        if word in {"answered", ""}:
            # All who wait look, and those who come later wait for another ring.
            self._answered.set()
            self._answered = asyncio.Event()

    @property
    def answered(self) -> asyncio.Event:
        """The next answer to a request; to be taken before one looks."""
        return self._answered
