"""Periodic jobs: refreshes uptime windows, removes old rows, links own services."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

import structlog

from actors.clock import Clock
from persistence import watch
from persistence.channels import ChannelKind
from persistence.database import Pool
from persistence.monitor import Period
from persistence.rollups import refresh_windows
from persistence.self_link import ensure_self_services

#: Long enough that the database hardly notices, short enough for a console.
POLL_INTERVAL_S = 60.0
#: The age at which figures are refreshed: a day's change with each check.
AGES = {
    Period.DAY: timedelta(minutes=2),
    Period.WEEK: timedelta(minutes=30),
    Period.MONTH: timedelta(hours=1),
}
PRUNE_INTERVAL = timedelta(hours=1)
#: A pause between two rounds of deletes, in which other statements run.
PRUNE_PAUSE_S = 0.2

log = structlog.get_logger("monitor")


class Housekeeping:
    """Keeps figures fresh and tables small."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        retention: timedelta,
        *,
        own_url: str = "",
        parts: Sequence[str] = (),
        platforms: Mapping[ChannelKind, str] = MappingProxyType({}),
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._retention = retention
        self._own_url = own_url
        self._parts = parts
        self._platforms = platforms
        self._refreshed: dict[Period, datetime] = {}
        self._pruned: datetime | None = None

    async def run(self, lease: watch.Lease) -> None:
        """Run what is due, every minute. Raises LeaseLostError."""
        while True:
            await self.link_self(lease)
            await self.refresh(lease)
            if self._is_due(self._pruned, PRUNE_INTERVAL):
                await self.prune(lease)
            await asyncio.sleep(POLL_INTERVAL_S)

    async def link_self(self, lease: watch.Lease) -> None:
        """Create the services of our own parts and of the channels' platforms."""
        async with self._pool.acquire() as db, db.transaction():
            await watch.check_lease(db, lease)
            await ensure_self_services(db, self._own_url, self._parts, self._platforms)

    async def refresh(self, lease: watch.Lease) -> None:
        """Refresh the uptime windows that are too old."""
        for period, age in AGES.items():
            if not self._is_due(self._refreshed.get(period), age):
                continue
            now = self._clock.now()
            async with self._pool.acquire() as db, db.transaction():
                await watch.check_lease(db, lease)
                await refresh_windows(db, period, now)
            self._refreshed[period] = now

    async def prune(self, lease: watch.Lease) -> None:
        """Delete rows that are older than the retention."""
        now = self._clock.now()
        removed = 0
        while True:
            async with self._pool.acquire() as db, db.transaction():
                await watch.check_lease(db, lease)
                count = await watch.delete_old_results(db, now - self._retention)
            removed += count
            if count < watch.PRUNE_ROWS:
                break
            await asyncio.sleep(PRUNE_PAUSE_S)
        await watch.delete_old_rest(self._pool, now)
        self._pruned = now
        if removed:
            log.info("results_pruned", rows=removed)

    def _is_due(self, last: datetime | None, age: timedelta) -> bool:
        return last is None or abs(self._clock.now() - last) >= age
