"""Periodic jobs: refreshes uptime windows, removes old rows, links own services."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import TypeAlias

import structlog

from actors.backoff import exponential_backoff
from actors.clock import Clock
from actors.clock_watch import ClockWatch
from config import metrics
from persistence import watch
from persistence.channels import ChannelKind
from persistence.check_results import refresh_windows
from persistence.database import Connection, Pool
from persistence.errors import is_database_away
from persistence.monitor import Period
from persistence.services import (
    ensure_platform_services,
    ensure_runtime_services,
    ensure_states,
)

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
#: How long the clock must have gone on as time does before anything is deleted by it.
STEADY_FOR = timedelta(minutes=10)
#: The others of the pool are for the lease, the slots and the results.
MAX_CONNECTIONS = 2
#: The longest pause of a duty that fails each time.
LONGEST_PAUSE = timedelta(hours=1)

Duty: TypeAlias = Callable[[watch.Lease], Awaitable[None]]

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
        steady_for: timedelta = STEADY_FOR,
        clock_watch: ClockWatch | None = None,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._retention = retention
        self._own_url = own_url
        self._parts = parts
        self._platforms = platforms
        self._steady_for = steady_for
        self._clock_watch = clock_watch or ClockWatch(clock)
        self._connections = asyncio.Semaphore(MAX_CONNECTIONS)
        self._refreshed: dict[Period, datetime] = {}
        self._pruned: datetime | None = None
        self._rest_pruned: datetime | None = None

    async def run(self, lease: watch.Lease) -> None:
        """Do each duty when it is due. Raises LeaseLostError.

        Each has a task of its own: one that fails or hangs stops no other.
        """
        duties: dict[str, Duty] = {
            "link_platforms": self.link_platforms,
            "link_runtime": self.link_runtime,
            "link_states": self.link_states,
            "prune_results": self.prune,
            "prune_rest": self.prune_rest,
        }
        for period in Period:
            duties[f"refresh_{period}"] = partial(self.refresh, period=period)
        try:
            async with asyncio.TaskGroup() as group:
                for name, duty in duties.items():
                    group.create_task(_do_forever(name, duty, lease))
        except* watch.LeaseLostError as lost:
            raise watch.LeaseLostError from lost

    async def link_platforms(self, lease: watch.Lease) -> None:
        """Create the services of the channels' platforms."""
        async with self._fenced(lease) as db:
            await ensure_platform_services(db, self._platforms)
            await ensure_states(db)

    async def link_runtime(self, lease: watch.Lease) -> None:
        """Create the services of our own parts."""
        async with self._fenced(lease) as db:
            await ensure_runtime_services(db, self._own_url, self._parts)
            await ensure_states(db)

    async def link_states(self, lease: watch.Lease) -> None:
        """Create the states that services of ours lack."""
        async with self._fenced(lease) as db:
            await ensure_states(db)

    async def refresh(
        self, lease: watch.Lease, *, period: Period | None = None
    ) -> None:
        """Refresh the uptime windows, of one period or all, that are too old."""
        for one in Period if period is None else (period,):
            if not self._is_due(self._refreshed.get(one), AGES[one]):
                continue
            now = self._clock.now()
            async with self._fenced(lease) as db:
                await refresh_windows(db, one, now)
            self._refreshed[one] = now

    async def prune(self, lease: watch.Lease) -> None:
        """Delete results that are older than the retention, once an hour."""
        if not self._is_due(self._pruned, PRUNE_INTERVAL) or not self._is_steady():
            return
        now = self._clock.now()
        removed = 0
        async with self._fenced(lease) as db:
            trusted = await watch.fetch_trusted_now(db, now, self._retention)
        while True:
            async with self._fenced(lease) as db:
                count = await watch.delete_old_results(db, trusted - self._retention)
            removed += count
            if count < watch.PRUNE_ROWS:
                break
            await asyncio.sleep(PRUNE_PAUSE_S)
        self._pruned = now
        if removed:
            log.info("results_pruned", rows=removed)

    async def prune_rest(self, lease: watch.Lease) -> None:
        """Delete old rollups, transitions, alerts and windows, once an hour."""
        is_due = self._is_due(self._rest_pruned, PRUNE_INTERVAL)
        if not is_due or not self._is_steady():
            return
        now = self._clock.now()
        async with self._fenced(lease) as db:
            trusted = await watch.fetch_trusted_now(db, now, self._retention)
            await watch.delete_old_rest(db, trusted)
        self._rest_pruned = now

    def _is_steady(self) -> bool:
        """Tell whether the clock may be trusted: it was asked twice, with time between.

        A clock that is wrong for a moment must not cost the whole history.
        """
        return self._clock_watch.is_steady(self._steady_for)

    def _is_due(self, last: datetime | None, age: timedelta) -> bool:
        return last is None or abs(self._clock.now() - last) >= age

    @asynccontextmanager
    async def _fenced(self, lease: watch.Lease) -> AsyncIterator[Connection]:
        """Open a transaction of the leader. Raises LeaseLostError."""
        async with (
            self._connections,
            self._pool.acquire() as db,
            db.transaction(),
        ):
            await watch.check_lease(db, lease)
            yield db


async def _do_forever(name: str, duty: Duty, lease: watch.Lease) -> None:
    """Do a duty every minute; after failures later and later, for an hour at most."""
    failures = 0
    while True:
        try:
            await duty(lease)
            failures = 0
        except watch.LeaseLostError:
            raise
        except Exception as error:
            failures += 1
            metrics.MONITOR_DUTY_FAILURES.labels(name).inc()
            if is_database_away(error):
                log.warning("duty_interrupted", duty=name, error=repr(error))
            else:
                log.exception("duty_failed", duty=name, failures=failures)
        # A minute after the first failure as after a success: most are over by then.
        pause = timedelta(seconds=POLL_INTERVAL_S)
        if failures > 1:
            pause = exponential_backoff(failures - 1, 2 * pause, LONGEST_PAUSE)
        await asyncio.sleep(pause.total_seconds())
