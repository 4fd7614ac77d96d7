"""Tells whether our own network is gone, by addresses that no tenant has chosen."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from datetime import timedelta

Endpoint = tuple[str, int]

TIMEOUT = timedelta(seconds=2)
#: A failure counts as evidence this long after the last answer. Behind a firewall that
#: lets none of the addresses answer, nothing follows from a failure.
EVIDENCE = timedelta(days=1)
#: Asked so often while all is well, so that there is a last answer.
REFRESH = timedelta(hours=1)


class NetworkProbe:
    """Connects to a few addresses outside; one answer proves our network."""

    def __init__(
        self, endpoints: Sequence[Endpoint] = (), *, timeout: timedelta = TIMEOUT
    ) -> None:
        self._endpoints = endpoints
        self._timeout = timeout
        self._answered_at: float | None = None

    async def is_lost(self) -> bool:
        """Ask now: true if no address answers that answered not long ago."""
        if await self._ask():
            self._answered_at = time.monotonic()
            return False
        return self._age_s() < EVIDENCE.total_seconds()

    async def refresh(self) -> None:
        """Note whether the addresses answer, if that was not asked lately."""
        if self._age_s() >= REFRESH.total_seconds():
            await self.is_lost()

    def _age_s(self) -> float:
        if self._answered_at is None:
            return float("inf")
        return time.monotonic() - self._answered_at

    async def _ask(self) -> bool:
        asked = [asyncio.create_task(self._answers(one)) for one in self._endpoints]
        try:
            for answer in asyncio.as_completed(asked):
                if await answer:
                    return True
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        return False

    async def _answers(self, endpoint: Endpoint) -> bool:
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                _, writer = await asyncio.open_connection(*endpoint)
        except ConnectionRefusedError:
            return True
        except OSError:  # TimeoutError is one of them.
            return False
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return True
