"""Judges results in order, and writes many of them in one transaction.

Findings gather while a transaction is under way; the next one takes all of them. So
the number of statements hardly grows with the number of services.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import asyncpg
import structlog

from actors.clock import Clock
from actors.monitor.codec import decode_state
from actors.monitor.errors import MonitorUnavailableError
from actors.monitor.finding import (
    Finding,
    build_alert,
    build_event,
    build_line,
    build_row,
)
from actors.monitor.health_log import Lines
from actors.monitor.rollup_accumulator import Key, Tally, day_of, hour_of
from actors.monitor.rules.alert_rules import rules_of
from actors.monitor.rules.certificates import days_left
from actors.monitor.rules.decide import decide
from actors.monitor.rules.effects import RecordTransition, Tell
from actors.monitor.rules.state import ServiceHealth
from config import metrics
from persistence.alerts import insert_alerts
from persistence.database import Connection, Pool
from persistence.ids import ResultId, ServiceId
from persistence.monitor import AlertRow, CheckRow, Status, TransitionRow
from persistence.rollups import fetch_open_rollups, upsert_rollups
from persistence.watch import (
    Lease,
    LeaseLostError,
    StateRow,
    check_lease,
    fetch_recorded,
    fetch_states,
    insert_results,
    insert_transitions,
    update_states,
)

MAX_BATCH = 500
#: Findings wait for the others of their moment; nobody waits for one result.
GATHER_S = 0.1
RETRY_PAUSE_S = 0.5
#: More would not fit in memory if the database stayed away: the oldest are given up.
MAX_WAITING = 20_000
GAUGE = {
    Status.UP: 1.0,
    Status.DEGRADED: 0.5,
    Status.DOWN: 0.0,
    Status.UNKNOWN: -1.0,
    Status.MAINTENANCE: -2.0,
}

log = structlog.get_logger("monitor")


@dataclass(slots=True)
class _Draft:
    """What one transaction writes."""

    rows: list[CheckRow] = field(default_factory=list)
    states: dict[ServiceId, ServiceHealth] = field(default_factory=dict)
    latest: dict[ServiceId, CheckRow] = field(default_factory=dict)
    changes: list[TransitionRow] = field(default_factory=list)
    alerts: list[AlertRow] = field(default_factory=list)
    rollups: dict[Key, None] = field(default_factory=dict)


class Recorder:
    """The one who writes, as long as the lease holds."""

    def __init__(self, pool: Pool, clock: Clock, lines: Lines) -> None:
        self._pool = pool
        self._clock = clock
        self._lines = lines
        self._queue: asyncio.Queue[Finding] = asyncio.Queue()
        self._states: dict[ServiceId, ServiceHealth] = {}
        self._tally = Tally()
        #: Set when there are notices to be sent.
        self.has_told = asyncio.Event()

    def put(self, found: Finding) -> None:
        """Take a result; it is written within a moment."""
        if self._queue.qsize() >= MAX_WAITING:
            given_up = self._queue.get_nowait()
            self._queue.task_done()
            _refuse([given_up])
            log.error("finding_given_up", service_id=str(given_up.watched.service.id))
        self._queue.put_nowait(found)

    async def settle(self) -> None:
        """Wait until all that was taken is written."""
        await self._queue.join()

    async def run(self, lease: Lease) -> None:
        """Write what comes. Raises LeaseLostError."""
        self._states.clear()
        self._tally.clear()
        while True:
            batch = [await self._queue.get()]
            await asyncio.sleep(GATHER_S if batch[0].done is None else 0)
            while len(batch) < MAX_BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            try:
                await self._write(lease, batch)
            except BaseException:
                _refuse(batch)
                raise
            finally:
                for _ in batch:
                    self._queue.task_done()

    def abandon(self) -> None:
        """Refuse what nobody will write any more."""
        while not self._queue.empty():
            _refuse([self._queue.get_nowait()])
            self._queue.task_done()

    async def _write(self, lease: Lease, batch: list[Finding]) -> None:
        while True:
            try:
                draft = await self._record(lease, batch)
            except LeaseLostError:
                raise
            except Exception as error:  # noqa: BLE001 - a result must not be lost for it
                # The answer may have been lost after the commit.
                log.warning("results_not_written", error=repr(error))
                self._states.clear()
                self._tally.clear()
                if len(batch) > 1 and isinstance(error, asyncpg.DataError):
                    for found in batch:
                        await self._write(lease, [found])
                    return
                if isinstance(error, asyncpg.DataError):
                    _refuse(batch)
                    return
                await asyncio.sleep(RETRY_PAUSE_S)
                batch = await self._drop_recorded(batch)
            else:
                await self._tell(batch, draft)
                return

    async def _drop_recorded(self, batch: list[Finding]) -> list[Finding]:
        """Leave out what a commit whose answer was lost has written after all."""
        try:
            known = await fetch_recorded(self._pool, [found.id for found in batch])
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            return batch
        for found in batch:
            if found.id in known and found.done is not None:
                found.done.set_result(build_row(found))
        return [found for found in batch if found.id not in known]

    async def _record(self, lease: Lease, batch: list[Finding]) -> _Draft:
        async with self._pool.acquire() as connection, connection.transaction():
            await check_lease(connection, lease)
            await self._recall(connection, batch)
            draft = _Draft()
            for found in batch:
                self._judge(found, draft)
            await insert_results(connection, draft.rows)
            if draft.latest:
                await update_states(connection, _state_rows(draft))
            if draft.changes:
                await insert_transitions(connection, draft.changes)
            if draft.alerts:
                await insert_alerts(connection, draft.alerts)
            if draft.rollups:
                rows = [self._tally.build_row(key) for key in draft.rollups]
                await upsert_rollups(connection, rows)
        self._states.update(draft.states)
        self._tally.forget(self._clock.now())
        return draft

    async def _recall(self, connection: Connection, batch: Sequence[Finding]) -> None:
        services = {found.watched.service.id for found in batch}
        missing = services - self._states.keys()
        if missing:
            stored = await fetch_states(connection, missing)
            self._states.update(
                (one, decode_state(state))
                for one, state in stored.items()
                if state is not None
            )
        rows = [build_row(found) for found in batch]
        new = [row for row in rows if self._tally.lacks(row)]
        moments = {(hour_of(row.checked_at), day_of(row.checked_at)) for row in new}
        for hour, day in moments:
            here = [row for row in new if hour_of(row.checked_at) == hour]
            # Both may be there already for one of them: what is held is newer.
            lacking = [row for row in here if self._tally.lacks(row)]
            ids = [row.service_id for row in lacking]
            found = await fetch_open_rollups(connection, ids, hour, day)
            self._tally.load(lacking, found)

    def _judge(self, found: Finding, draft: _Draft) -> None:
        service = found.watched.service
        state = (
            draft.states.get(service.id)
            or self._states.get(service.id)
            or ServiceHealth(service.id, service.tenant_id)
        )
        decision = decide(state, build_event(found), rules_of(service))
        row = build_row(found)
        draft.rows.append(row)
        draft.states[service.id] = decision.state
        if not row.missed:
            draft.latest[service.id] = row
            keys = self._tally.add(row, is_excused=found.is_excused)
            draft.rollups |= dict.fromkeys(keys)
        for effect in decision.effects:
            match effect:
                case RecordTransition():
                    draft.changes.append(_transition(effect, found))
                case Tell():
                    draft.alerts.append(build_alert(effect, found.watched))

    async def _tell(self, batch: Sequence[Finding], draft: _Draft) -> None:
        """Let everybody know what is committed."""
        names = {found.watched.service.id: found.watched.service for found in batch}
        lines: list[dict[str, object]] = []
        for found, row in zip(batch, draft.rows, strict=True):
            state = draft.states[row.service_id]
            status = state.status
            lines.append(build_line(row, names[row.service_id].name, status))
            _measure(found, row, status)
            if found.done is not None and not found.done.done():
                found.done.set_result(row)
        for change in draft.changes:
            log.info(
                "service_changed",
                service_id=str(change.service_id),
                old=change.old,
                new=change.new,
                reason=change.reason,
            )
        for alert in draft.alerts:
            metrics.MONITOR_ALERTS.labels(alert.kind).inc()
            log.warning("alert", kind=alert.kind, text=alert.text, id=str(alert.id))
        if draft.alerts:
            self.has_told.set()
        await self._lines.write(lines)


def _refuse(batch: Sequence[Finding]) -> None:
    for found in batch:
        if found.done is not None and not found.done.done():
            found.done.set_exception(MonitorUnavailableError())


def _state_rows(draft: _Draft) -> list[StateRow]:
    return [
        StateRow(one, draft.states[one].status, draft.states[one].since, state, latest)
        for one, latest in draft.latest.items()
        for state in (draft.states[one],)
    ]


def _transition(change: RecordTransition, found: Finding) -> TransitionRow:
    service = found.watched.service
    return TransitionRow(
        id=ResultId(uuid4()),
        tenant_id=service.tenant_id,
        service_id=service.id,
        at=change.at,
        old=change.old,
        new=change.new,
        reason=change.reason,
        result_id=change.result_id,
    )


def _measure(found: Finding, row: CheckRow, status: Status) -> None:
    result = "passed" if row.ok else "failed"
    if row.missed:
        result = "missed"
    elif found.is_excused:
        result = "excused"
    metrics.MONITOR_CHECKS.labels(result).inc()
    service_id = str(row.service_id)
    metrics.MONITOR_STATUS.labels(service_id).set(GAUGE[status])
    if row.tls_expires_at is not None:
        left = days_left(row.tls_expires_at, row.checked_at)
        metrics.MONITOR_CERTIFICATE_DAYS.labels(service_id).set(left)
