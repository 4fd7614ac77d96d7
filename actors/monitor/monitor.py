"""Leads the monitoring: holds the lease, opens slots, and runs background jobs."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

import structlog

from actors.clock import Clock
from actors.clock_watch import ClockWatch
from actors.monitor.check_requests import CheckRequests, Wakeups
from actors.monitor.checks import slots
from actors.monitor.checks.check_runner import CheckRunner
from actors.monitor.checks.checker import HttpChecker
from actors.monitor.checks.conditions import find_unreadable_paths
from actors.monitor.checks.network_probe import NetworkProbe
from actors.monitor.health_log import Lines
from actors.monitor.recorder import Recorder
from actors.tasks import cancel_and_wait, wait_for_signal
from config import metrics
from persistence import watch
from persistence.database import Pool
from persistence.errors import DATABASE_AWAY
from persistence.ids import ServiceId
from persistence.monitor import CheckRow
from persistence.secrets import Cipher

#: Renewed three times before it runs out.
LEASE_TERM = timedelta(seconds=15)
RENEWAL = timedelta(seconds=5)
STANDBY_PAUSE_S = 2.0
RETRY_PAUSE_S = 1.0
#: At a stop, checks under way may still finish within this.
STOP_TIMEOUT_S = 0.8
#: A clock that is changed must not find us asleep for an hour.
LONGEST_SLEEP_S = 5.0
#: How far back missed slots are looked for, and how many results that may make.
LOOK_BACK = timedelta(days=2)
#: A clock that went ahead and stays so for longer was corrected, and is right.
LONGEST_AHEAD = timedelta(days=1)
MAX_MISSED_ROWS = 20_000
NO_LEADER = "the monitor was not running in this slot"
UNFINISHED = "the monitor stopped before the result was stored"

BackgroundJob = Callable[[watch.Lease], Awaitable[None]]

log = structlog.get_logger("monitor")


@dataclass(frozen=True, slots=True)
class MonitorDependencies:
    """What the monitor works with."""

    pool: Pool
    checker: HttpChecker
    cipher: Cipher
    clock: Clock
    lines: Lines
    #: Tells whether our own network is gone.
    network: NetworkProbe = field(default_factory=NetworkProbe)


@dataclass(frozen=True, slots=True)
class Ahead:
    """The slots around a jump of the clock: the last before it, and the first after."""

    left_at: datetime
    came_to: datetime


class Monitor:
    """Checks services while it holds the lease; stands by while another does."""

    def __init__(
        self,
        dependencies: MonitorDependencies,
        cron: str,
        *,
        lease_term: timedelta = LEASE_TERM,
        standby_pause_s: float = STANDBY_PAUSE_S,
        spread: timedelta = slots.LONGEST_SPREAD,
        clock_watch: ClockWatch | None = None,
    ) -> None:
        self._pool = dependencies.pool
        self._checker = dependencies.checker
        self._clock = dependencies.clock
        self._lines = dependencies.lines
        self._cron = cron
        # Of this start alone. An identity that two processes can have, such as that of
        # a data directory in a copied container, would let both of them lead.
        self._holder = uuid4()
        self._term = lease_term
        self._standby_pause_s = standby_pause_s
        self._spread = spread
        self.recorder = Recorder(self._pool, self._clock, self._lines)
        self.runner = CheckRunner(
            self._pool,
            self._checker,
            dependencies.cipher,
            self._clock,
            self.recorder.put,
            dependencies.network,
        )
        #: Fed by whoever listens to the database's notifications.
        self.wakeups = Wakeups()
        self._requests = CheckRequests(
            self._pool, self._clock, self.wakeups, self.runner
        )
        self._jobs: list[BackgroundJob] = [
            self._check_new_services,
            self._requests.serve,
        ]
        self._lease: watch.Lease | None = None
        #: The last one held, to be given back at the stop.
        self._held: watch.Lease | None = None
        self._last_slot: datetime | None = None
        self._clock_watch = clock_watch or ClockWatch(self._clock)
        #: By how much the clock was changed, until the slots follow it.
        self._jump = timedelta(0)
        #: Set while the clock is ahead of what it was.
        self._ahead: Ahead | None = None
        self._task: asyncio.Task[None] | None = None

    def add_job(self, job: BackgroundJob) -> None:
        """Register a job that runs while this process holds the lease.

        Call before `start`. A job runs until it is cancelled; it is started again after
        an error.
        """
        self._jobs.append(job)

    async def start(self) -> None:
        """Start to lead, or to wait for the lease."""
        self._task = asyncio.create_task(self._run(), name="monitor")

    async def stop(self) -> None:
        """Stop, and release the lease so that another runtime leads at once."""
        if self._lease is not None:
            # Checks that are cut off here are recorded as missed.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await self.runner.settle()
                    await self.recorder.settle()
        await cancel_and_wait(self._task)
        if self._held is not None:
            with contextlib.suppress(*DATABASE_AWAY):
                await watch.release_lease(self._pool, self._held)
        await self._checker.stop()

    @property
    def is_leader(self) -> bool:
        """Whether this runtime holds the lease."""
        return self._lease is not None

    @property
    def is_running(self) -> bool:
        """Whether it leads or stands by, as it should."""
        return self._task is not None and not self._task.done()

    async def check_now(self, service_id: ServiceId) -> CheckRow:
        """Check a service now, by whichever runtime is the leader.

        Raises:
            MonitorStandbyError: there is no leader.
            MonitorUnavailableError: the database is away.
            ServiceGoneError: there is no such service.
        """
        return await self._requests.ask(service_id)

    async def _run(self) -> None:
        while True:
            try:
                lease = await watch.claim_lease(self._pool, self._holder, self._term)
                if lease is not None:
                    await self._lead(lease)
            except DATABASE_AWAY as error:
                log.warning("database_away", error=repr(error))
            except Exception:
                log.exception("leading_failed")
            await asyncio.sleep(self._standby_pause_s)

    async def _lead(self, lease: watch.Lease) -> None:
        """Run slots, the recorder and all jobs until the lease is lost."""
        log.info("lease_acquired", epoch=lease.epoch)
        self._lease = self._held = lease
        self._last_slot = None
        metrics.MONITOR_IS_LEADER.set(1)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_lease(lease))
                group.create_task(self.recorder.run(lease))
                group.create_task(self._open_slots(lease))
                for job in self._jobs:
                    group.create_task(_run_forever(job, lease))
        except* watch.LeaseLostError:
            log.warning("lease_lost", epoch=lease.epoch)
        finally:
            self._lease = None
            metrics.MONITOR_IS_LEADER.set(0)
            await self.runner.stop()
            self.recorder.abandon()

    async def _keep_lease(self, lease: watch.Lease) -> None:
        """Renew the lease; without a renewal in time it counts as lost."""
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        while True:
            await asyncio.sleep(min(RENEWAL, self._term / 3).total_seconds())
            try:
                await watch.renew_lease(self._pool, lease, self._term)
                renewed = loop.time()
            except watch.LeaseLostError:
                raise
            except Exception as error:
                if isinstance(error, DATABASE_AWAY):
                    log.warning("lease_not_renewed", error=repr(error))
                else:
                    log.exception("lease_not_renewed")
                if loop.time() - renewed > self._term.total_seconds():
                    raise watch.LeaseLostError from error

    async def _open_slots(self, lease: watch.Lease) -> None:
        is_first = True
        while True:
            now = self._clock.now()
            slot = slots.slot_at(self._cron, now)
            if self._last_slot is None or self._last_slot != slot or self._jump:
                try:
                    if self._jump:
                        await self._follow_clock(lease, slot)
                        continue
                    if is_first:
                        await self._settle_past(lease, now)
                        is_first = False
                    await self.open_slot(lease, slot)
                    if self._ahead and slot - self._ahead.came_to > LONGEST_AHEAD:
                        self._ahead = None
                except watch.LeaseLostError:
                    raise
                except DATABASE_AWAY as error:
                    log.warning("slot_not_opened", error=repr(error))
                    await asyncio.sleep(RETRY_PAUSE_S)
                    continue
                except Exception:
                    log.exception("slot_failed")
                    await asyncio.sleep(RETRY_PAUSE_S)
                    continue
            await self._sleep_until(slots.slot_after(self._cron, slot))

    async def open_slot(self, lease: watch.Lease, slot: datetime) -> None:
        """Record the slots that were missed before this one, and start its checks."""
        watched = await watch.fetch_watched(self._pool, self._clock.now(), slot)
        if self._last_slot is None:
            _warn_of_unreadable_paths(watched)
        await self._record_missed(lease, slot, len(watched))
        spread = slots.spread_of(self._cron, slot, self._spread)
        self._last_slot = slot
        await self.runner.run_slot(slot, watched, spread)
        log.info("slot_opened", slot=slot.isoformat(), services=len(watched))
        # Services may have been created between the slot and now.
        self.wakeups.services.set()

    async def _check_new_services(self, _: watch.Lease) -> None:
        """Check new services in the current slot instead of the next one."""
        self.wakeups.services.set()
        while True:
            await wait_for_signal(self.wakeups.services, None)
            self.wakeups.services.clear()
            slot = self._last_slot
            if slot is None:  # Opening a slot sets the signal.
                continue
            now = self._clock.now()
            new = await watch.fetch_newcomers(self._pool, now, slot)
            if new:
                # They are claimed like the others: no second check in this slot.
                await self.runner.run_slot(slot, new, timedelta(0))

    async def _record_missed(
        self, lease: watch.Lease, slot: datetime, services: int
    ) -> None:
        after = self._last_slot or slot - LOOK_BACK
        limit = max(MAX_MISSED_ROWS // max(services, 1), 1)
        past = slots.slots_between(self._cron, after, slot, limit)
        if not past or not services:
            return
        async with self._pool.acquire() as db, db.transaction():
            await watch.check_lease(db, lease)
            missed = await watch.insert_missed(db, past, NO_LEADER)
        await self._log_missed(missed, NO_LEADER)

    async def _settle_past(self, lease: watch.Lease, now: datetime) -> None:
        """Record the checks that the former leader started and did not finish."""
        async with self._pool.acquire() as db, db.transaction():
            await watch.check_lease(db, lease)
            missed = await watch.insert_unfinished(db, now, UNFINISHED)
        await self._log_missed(missed, UNFINISHED)

    async def _log_missed(self, missed: Sequence[watch.Missed], reason: str) -> None:
        if not missed:
            return
        log.warning("slots_missed", results=len(missed), reason=reason)
        metrics.MONITOR_CHECKS.labels("missed").inc(len(missed))
        await self._lines.write(
            [
                {
                    "checked_at": one.slot_at,
                    "slot_at": one.slot_at,
                    "service_id": one.service_id,
                    "tenant_id": one.tenant_id,
                    "result_id": one.id,
                    "ok": False,
                    "missed": True,
                    "error": reason,
                }
                for one in missed
            ]
        )

    async def _sleep_until(self, instant: datetime) -> None:
        """Wait until the clock shows an instant, or was changed."""
        while True:
            self._jump += self._clock_watch.read_jump()
            left = (instant - self._clock.now()).total_seconds()
            if left <= 0 or self._jump:
                return
            await asyncio.sleep(min(left, LONGEST_SLEEP_S))

    async def _follow_clock(self, lease: watch.Lease, slot: datetime) -> None:
        """Go on at the slot that the clock shows, after it was changed.

        Slots that it left out were not missed. When it comes back from a moment ahead,
        what was stored there is corrected, and the slots go on where they were.
        """
        last = self._last_slot
        before = slots.slot_at(self._cron, slot - timedelta(microseconds=1))
        if self._jump > timedelta(0):
            if last is not None and last < slot:
                self._ahead = self._ahead or Ahead(last, slot)
                self._last_slot = max(last, before)
        else:
            await self._come_back(lease)
            if last is not None and last > slot:
                known = self._ahead.left_at if self._ahead else before
                self._last_slot = known if known <= slot else before
            self._ahead = None
        log.warning("clock_jumped", seconds=self._jump.total_seconds())
        self._jump = timedelta(0)

    async def _come_back(self, lease: watch.Lease) -> None:
        """Correct what was stored while the clock was ahead.

        Only if it was seen to go ahead: a clock that is behind must not have the right
        results corrected. Claims are forgotten anyway, so that the slots go on.
        """
        now = self._clock.now()
        async with self._pool.acquire() as db, db.transaction():
            await watch.check_lease(db, lease)
            await watch.forget_future_claims(db, now)
            if self._ahead is not None:
                moved = await watch.correct_future(db, now)
                log.warning("future_results_corrected", results=moved)
        self.recorder.reload()


def _warn_of_unreadable_paths(watched: Sequence[watch.Watched]) -> None:
    """Log the services whose conditions an older release stored and none can meet."""
    for service in (one.service for one in watched):
        paths = find_unreadable_paths(service.conditions)
        if paths:
            log.warning("paths_unreadable", service_id=str(service.id), paths=paths)


async def _run_forever(job: BackgroundJob, lease: watch.Lease) -> None:
    """Run a job, and again after a pause whenever it fails."""
    while True:
        try:
            await job(lease)
        except watch.LeaseLostError:
            raise
        except DATABASE_AWAY as error:
            log.warning("job_interrupted", error=repr(error))
        except Exception:
            log.exception("job_failed")
        await asyncio.sleep(RETRY_PAUSE_S)
