"""The one who watches: holds the lease, opens slots, and sees to all that is due."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import structlog

from actors.clock import Clock
from actors.monitor.check_requests import Requests
from actors.monitor.checks.check_runner import Round
from actors.monitor.checks.checker import Checker
from actors.monitor.checks.slots import (
    LONGEST_SPREAD,
    slot_after,
    slot_at,
    slots_between,
    spread_of,
)
from actors.monitor.errors import MonitorUnavailableError, ServiceGoneError
from actors.monitor.health_log import Lines
from actors.monitor.recorder import Recorder
from actors.monitor.wakeups import Bell
from config import metrics
from persistence.database import Pool
from persistence.ids import ServiceId
from persistence.monitor import CheckRow
from persistence.secrets import Cipher
from persistence.watch import (
    Lease,
    LeaseLostError,
    Missed,
    check_lease,
    claim_lease,
    fetch_newcomers,
    fetch_one_watched,
    fetch_watched,
    insert_missed,
    insert_unfinished,
    release_lease,
    renew_lease,
)

#: Renewed three times before it runs out.
LEASE_TERM = timedelta(seconds=15)
RENEWAL = timedelta(seconds=5)
STANDBY_PAUSE_S = 2.0
RETRY_PAUSE_S = 1.0
#: Checks that are under way at a stop may still come in.
STOP_TIMEOUT_S = 0.8
#: A clock that is set must not find us asleep for an hour.
LONGEST_SLEEP_S = 5.0
#: How far back missed slots are looked for, and how many results that may make.
LOOK_BACK = timedelta(days=2)
MAX_MISSED_ROWS = 20_000
NOBODY_WATCHED = "nobody was watching in this slot"
UNFINISHED = "the monitor stopped before the result was stored"
AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)

Duty = Callable[[Lease], Awaitable[None]]

log = structlog.get_logger("monitor")


@dataclass(frozen=True, slots=True)
class MonitorParts:
    """What the monitor works with."""

    pool: Pool
    checker: Checker
    cipher: Cipher
    clock: Clock
    lines: Lines


class Monitor:
    """Watches while it holds the lease; stands by while another does."""

    def __init__(
        self,
        parts: MonitorParts,
        cron: str,
        holder: UUID,
        *,
        lease_term: timedelta = LEASE_TERM,
        standby_pause_s: float = STANDBY_PAUSE_S,
        spread: timedelta = LONGEST_SPREAD,
    ) -> None:
        self._parts = parts
        self._cron = cron
        self._holder = holder
        self._term = lease_term
        self._standby_pause_s = standby_pause_s
        self._spread = spread
        self.recorder = Recorder(parts.pool, parts.clock, parts.lines)
        self.round = Round(
            parts.pool, parts.checker, parts.cipher, parts.clock, self.recorder
        )
        #: Whoever hears the database's notifications rings it.
        self.bell = Bell()
        self._requests = Requests(parts.pool, parts.clock, self.bell, self.round)
        self._duties: list[Duty] = [self._welcome, self._requests.serve]
        self._lease: Lease | None = None
        #: The last one held, to be given back at the stop.
        self._held: Lease | None = None
        self._last_slot: datetime | None = None
        self._task: asyncio.Task[None] | None = None

    def add_duty(self, duty: Duty) -> None:
        """Have something done as long as this runtime watches. Only before `start`.

        A duty runs until it is cancelled; what it raises ends the watch.
        """
        self._duties.append(duty)

    async def start(self) -> None:
        """Begin to watch, or to wait for that."""
        self._task = asyncio.create_task(self._run(), name="monitor")

    async def stop(self) -> None:
        """Stop watching and let the next one begin at once."""
        if self._lease is not None:
            # What is cut off here is noted as missed.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await self.round.settle()
                    await self.recorder.settle()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._held is not None:
            with contextlib.suppress(*AWAY):
                await release_lease(self._parts.pool, self._held)
        await self._parts.checker.stop()

    @property
    def is_watching(self) -> bool:
        """Whether this runtime holds the lease."""
        return self._lease is not None

    @property
    def is_running(self) -> bool:
        """Whether it watches or stands by, as it should."""
        return self._task is not None and not self._task.done()

    async def check_now(self, service_id: ServiceId) -> CheckRow:
        """Check a service because a person asked for it, or have it checked.

        Raises:
            MonitorStandbyError: neither this runtime nor another watches.
            MonitorUnavailableError: the database is away.
            ServiceGoneError: there is no such service.
        """
        parts = self._parts
        try:
            if self._lease is None:
                return await self._requests.ask(service_id)
            watched = await fetch_one_watched(parts.pool, service_id, parts.clock.now())
        except AWAY as error:
            raise MonitorUnavailableError from error
        if watched is None:
            raise ServiceGoneError
        return await self.round.check_now(watched)

    async def _run(self) -> None:
        while True:
            try:
                lease = await claim_lease(self._parts.pool, self._holder, self._term)
                if lease is not None:
                    await self._watch(lease)
            except AWAY as error:
                log.warning("database_away", error=repr(error))
            except Exception:
                log.exception("watch_failed")
            await asyncio.sleep(self._standby_pause_s)

    async def _watch(self, lease: Lease) -> None:
        """Do everything, until the lease is lost."""
        log.info("watch_began", epoch=lease.epoch)
        self._lease = self._held = lease
        self._last_slot = None
        metrics.MONITOR_LEADS.set(1)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_lease(lease))
                group.create_task(self.recorder.run(lease))
                group.create_task(self._open_slots(lease))
                for duty in self._duties:
                    group.create_task(_insist(duty, lease))
        except* LeaseLostError:
            log.warning("lease_lost", epoch=lease.epoch)
        finally:
            self._lease = None
            metrics.MONITOR_LEADS.set(0)
            await self.round.stop()
            self.recorder.abandon()

    async def _keep_lease(self, lease: Lease) -> None:
        """Renew the lease; what could not be renewed in time is lost."""
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        while True:
            await asyncio.sleep(min(RENEWAL, self._term / 3).total_seconds())
            try:
                await renew_lease(self._parts.pool, lease, self._term)
                renewed = loop.time()
            except AWAY as error:
                log.warning("lease_not_renewed", error=repr(error))
                if loop.time() - renewed > self._term.total_seconds():
                    raise LeaseLostError from error

    async def _open_slots(self, lease: Lease) -> None:
        is_first = True
        while True:
            now = self._parts.clock.now()
            slot = slot_at(self._cron, now)
            if self._last_slot is None or self._last_slot != slot:
                try:
                    if is_first:
                        await self._settle_past(lease, now)
                        is_first = False
                    await self.open_slot(lease, slot)
                except LeaseLostError:
                    raise
                except AWAY as error:
                    log.warning("slot_not_opened", error=repr(error))
                    await asyncio.sleep(RETRY_PAUSE_S)
                    continue
            await self._sleep_until(slot_after(self._cron, slot))

    async def open_slot(self, lease: Lease, slot: datetime) -> None:
        """Note the slots that were missed before this one, and begin its checks."""
        parts = self._parts
        watched = await fetch_watched(parts.pool, parts.clock.now(), slot)
        await self._note_missed(lease, slot, len(watched))
        spread = spread_of(self._cron, slot, self._spread)
        self._last_slot = slot
        await self.round.run_slot(slot, watched, spread)
        log.info("slot_opened", slot=slot.isoformat(), services=len(watched))
        # Some may have been made between this slot and now.
        self.bell.services.set()

    async def _welcome(self, _: Lease) -> None:
        """Check what is new in the slot that is on: nobody waits for the next one."""
        self.bell.services.set()
        while True:
            await self.bell.services.wait()
            self.bell.services.clear()
            slot = self._last_slot
            if slot is None:  # Opening one rings.
                continue
            now = self._parts.clock.now()
            new = await fetch_newcomers(self._parts.pool, now, slot)
            if new:
                # Claimed in this slot like the others, so not checked in it again.
                await self.round.run_slot(slot, new, timedelta(0))

    async def _note_missed(self, lease: Lease, slot: datetime, services: int) -> None:
        after = self._last_slot or slot - LOOK_BACK
        limit = max(MAX_MISSED_ROWS // max(services, 1), 1)
        missed = slots_between(self._cron, after, slot, limit)
        if not missed or not services:
            return
        async with self._parts.pool.acquire() as db, db.transaction():
            await check_lease(db, lease)
            noted = await insert_missed(db, missed, NOBODY_WATCHED)
        await self._log_missed(noted, NOBODY_WATCHED)

    async def _settle_past(self, lease: Lease, now: datetime) -> None:
        """Note the checks that whoever watched before has begun and not finished."""
        async with self._parts.pool.acquire() as db, db.transaction():
            await check_lease(db, lease)
            noted = await insert_unfinished(db, now, UNFINISHED)
        await self._log_missed(noted, UNFINISHED)

    async def _log_missed(self, noted: Sequence[Missed], reason: str) -> None:
        if not noted:
            return
        log.warning("slots_missed", results=len(noted), reason=reason)
        metrics.MONITOR_CHECKS.labels("missed").inc(len(noted))
        await self._parts.lines.write(
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
                for one in noted
            ]
        )

    async def _sleep_until(self, instant: datetime) -> None:
        """Wait for the clock, which may be set meanwhile, to show an instant."""
        while True:
            left = (instant - self._parts.clock.now()).total_seconds()
            if left <= 0 or left > timedelta(days=366).total_seconds():
                return
            if self._last_slot is not None and self._went_back():
                return
            await asyncio.sleep(min(left, LONGEST_SLEEP_S))

    def _went_back(self) -> bool:
        """Say whether the clock shows a time before the slot that is on."""
        last = self._last_slot
        return last is not None and self._parts.clock.now() < last - timedelta(hours=1)


async def _insist(duty: Duty, lease: Lease) -> None:
    """Begin a duty again when the database was away, or it broke."""
    while True:
        try:
            await duty(lease)
        except LeaseLostError:
            raise
        except AWAY as error:
            log.warning("duty_interrupted", error=repr(error))
        except Exception:
            log.exception("duty_failed")
        await asyncio.sleep(RETRY_PAUSE_S)
