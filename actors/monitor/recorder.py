"""Applies the rules to findings in order, and writes them in batches.

Findings gather while a transaction is under way; the next transaction takes all of
them. So the number of statements hardly grows with the number of services.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import structlog

from actors.clock import Clock
from actors.monitor.errors import MonitorUnavailableError
from actors.monitor.finding import Finding, build_alert, build_line
from actors.monitor.health_log import Lines
from actors.monitor.rollup_accumulator import Key, RollupAccumulator, day_of, hour_of
from actors.monitor.rules.decide import Notify, days_left, decide, rules_of
from actors.monitor.rules.state import ServiceHealth, decode_state
from config import metrics
from persistence import watch
from persistence.alerts import insert_alerts
from persistence.check_results import fetch_open_rollups, upsert_rollups
from persistence.database import Connection, Pool
from persistence.errors import DATABASE_AWAY, is_database_away
from persistence.ids import ServiceId
from persistence.monitor import AlertRow, CheckRow, Status, TransitionRow

MAX_BATCH = 500
#: Batch findings that arrive within this; an awaited result is written at once.
GATHER_S = 0.1
RETRY_PAUSE_S = 0.5
#: Limits the memory while the database is away: then the oldest are dropped.
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
    """The rows that one transaction writes."""

    rows: list[CheckRow] = field(default_factory=list)
    states: dict[ServiceId, ServiceHealth] = field(default_factory=dict)
    latest: dict[ServiceId, CheckRow] = field(default_factory=dict)
    changes: list[TransitionRow] = field(default_factory=list)
    alerts: list[AlertRow] = field(default_factory=list)
    rollups: dict[Key, None] = field(default_factory=dict)


class Recorder:
    """Writes findings while this process holds the lease."""

    def __init__(self, pool: Pool, clock: Clock, lines: Lines) -> None:
        self._pool = pool
        self._clock = clock
        self._lines = lines
        self._queue: asyncio.Queue[Finding] = asyncio.Queue()
        self._states: dict[ServiceId, ServiceHealth] = {}
        self._rollups = RollupAccumulator()
        self._is_stale = False
        #: Set when there are new alerts to send.
        self.has_alerts = asyncio.Event()

    def put(self, finding: Finding) -> None:
        """Take a finding; it is written within a moment."""
        if self._queue.qsize() >= MAX_WAITING:
            dropped = self._queue.get_nowait()
            self._queue.task_done()
            metrics.MONITOR_RESULTS_DROPPED.inc()
            _refuse([dropped])
            log.error("result_dropped", service_id=str(dropped.watched.service.id))
        self._queue.put_nowait(finding)

    def reload(self) -> None:
        """Read states and rollups again before the next write: they were corrected."""
        self._is_stale = True

    async def settle(self) -> None:
        """Wait until all findings are written."""
        await self._queue.join()

    async def run(self, lease: watch.Lease) -> None:
        """Write findings as they arrive. Raises watch.LeaseLostError."""
        self._states.clear()
        self._rollups.clear()
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
        """Refuse the findings that this process may not write any more."""
        while not self._queue.empty():
            _refuse([self._queue.get_nowait()])
            self._queue.task_done()

    async def _write(self, lease: watch.Lease, batch: list[Finding]) -> None:
        """Write a batch. A finding that can't be stored stops no other one."""
        while batch:
            try:
                await self._record_and_publish(lease, batch)
            except watch.LeaseLostError:
                raise
            except Exception as error:
                self._states.clear()
                self._rollups.clear()
                if not is_database_away(error):
                    log.exception("results_not_written")
                    break
                log.warning("results_not_written", error=repr(error))
                await asyncio.sleep(RETRY_PAUSE_S)
                batch = await self._drop_recorded(batch)
            else:
                return
        if len(batch) > 1:
            # One of them is at fault. Halves find it in few transactions.
            middle = len(batch) // 2
            await self._write(lease, batch[:middle])
            await self._write(lease, batch[middle:])
        elif batch:
            await self._write_poison(lease, batch[0])

    async def _write_poison(self, lease: watch.Lease, finding: Finding) -> None:
        """Store the bare result of a finding that was refused by itself, or drop it."""
        while await self._drop_recorded([finding]):
            try:
                await self._record_and_publish(lease, [finding.strip()])
            except watch.LeaseLostError:
                raise
            except Exception as error:
                self._states.clear()
                self._rollups.clear()
                if not is_database_away(error):
                    log.exception("result_refused")
                    break
                await asyncio.sleep(RETRY_PAUSE_S)
            else:
                return
        else:
            return
        service_id = str(finding.watched.service.id)
        log.error("result_dropped", service_id=service_id, result_id=str(finding.id))
        metrics.MONITOR_RESULTS_DROPPED.inc()
        _refuse([finding])

    async def _record_and_publish(
        self, lease: watch.Lease, batch: list[Finding]
    ) -> None:
        draft = await self._record(lease, batch)
        try:
            await self._publish(batch, draft)
        except Exception:
            # The results are stored: only what is told about them is incomplete.
            log.exception("results_not_published")
            _refuse(batch)

    async def _drop_recorded(self, batch: list[Finding]) -> list[Finding]:
        """Leave out findings whose commit succeeded though its answer was lost."""
        try:
            known = await watch.fetch_recorded(self._pool, [one.id for one in batch])
        except DATABASE_AWAY:
            return batch
        for finding in batch:
            done = finding.done
            if finding.id in known and done is not None and not done.done():
                done.set_result(finding.build_row())
        return [finding for finding in batch if finding.id not in known]

    async def _record(self, lease: watch.Lease, batch: list[Finding]) -> _Draft:
        if self._is_stale:
            # Here, where no transaction is under way that goes on with them.
            self._is_stale = False
            self._states.clear()
            self._rollups.clear()
        draft = _Draft(rows=[finding.build_row() for finding in batch])
        async with self._pool.acquire() as connection, connection.transaction():
            await watch.check_lease(connection, lease)
            await self._load(connection, draft.rows)
            for finding, row in zip(batch, draft.rows, strict=True):
                self._apply(finding, row, draft)
            await watch.insert_results(connection, draft.rows)
            if draft.latest:
                states = [(draft.states[one], row) for one, row in draft.latest.items()]
                await watch.update_states(
                    connection, [(s.status, s.since, s, row) for s, row in states]
                )
            if draft.changes:
                await watch.insert_transitions(connection, draft.changes)
            if draft.alerts:
                await insert_alerts(connection, draft.alerts)
            if draft.rollups:
                rollups = [self._rollups.build_row(key) for key in draft.rollups]
                await upsert_rollups(connection, rollups)
        self._states.update(draft.states)
        self._rollups.forget(self._clock.now())
        return draft

    async def _load(self, connection: Connection, rows: Sequence[CheckRow]) -> None:
        """Load the states and rollups that are not in memory."""
        missing = {row.service_id for row in rows} - self._states.keys()
        if missing:
            stored = await watch.fetch_states(connection, missing)
            self._states.update(
                (service_id, decode_state(state))
                for service_id, state in stored.items()
                if state is not None
            )
        new = [row for row in rows if self._rollups.needs_load(row)]
        moments = {(hour_of(row.checked_at), day_of(row.checked_at)) for row in new}
        for hour, day in moments:
            here = [row for row in new if hour_of(row.checked_at) == hour]
            # An earlier moment may have loaded the day: what is in memory is newer.
            lacking = [row for row in here if self._rollups.needs_load(row)]
            ids = [row.service_id for row in lacking]
            rollups = await fetch_open_rollups(connection, ids, hour, day)
            self._rollups.load(lacking, rollups)

    def _apply(self, finding: Finding, row: CheckRow, draft: _Draft) -> None:
        """Apply the rules to a finding, and collect the rows to write."""
        service = finding.watched.service
        state = (
            draft.states.get(service.id)
            or self._states.get(service.id)
            or ServiceHealth(service.id, service.tenant_id)
        )
        if state.since is not None and state.since > row.checked_at:
            # The clock was ahead when the status was shown.
            state = replace(state, since=row.checked_at)
        decision = decide(state, finding.build_event(), rules_of(service))
        draft.states[service.id] = decision.state
        if not row.missed:
            draft.latest[service.id] = row
            keys = self._rollups.add(row, is_excused=finding.is_excused)
            draft.rollups |= dict.fromkeys(keys)
        for effect in decision.effects:
            match effect:
                case TransitionRow():
                    draft.changes.append(effect)
                case Notify():
                    draft.alerts.append(build_alert(effect, finding.watched))

    async def _publish(self, batch: Sequence[Finding], draft: _Draft) -> None:
        """Publish committed results: metrics, callers, logs and the dispatcher."""
        lines: list[dict[str, object]] = []
        for finding, row in zip(batch, draft.rows, strict=True):
            status = draft.states[row.service_id].status
            lines.append(build_line(row, finding.watched.service.name, status))
            _measure(finding, row, status)
            if finding.done is not None and not finding.done.done():
                finding.done.set_result(row)
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
            self.has_alerts.set()
        await self._lines.write(lines)


def _refuse(batch: Sequence[Finding]) -> None:
    for finding in batch:
        if finding.done is not None and not finding.done.done():
            finding.done.set_exception(MonitorUnavailableError())


def _measure(finding: Finding, row: CheckRow, status: Status) -> None:
    result = "passed" if row.ok else "failed"
    if row.missed:
        result = "missed"
    elif finding.is_excused:
        result = "excused"
    metrics.MONITOR_CHECKS.labels(result).inc()
    service_id = str(row.service_id)
    metrics.MONITOR_STATUS.labels(service_id).set(GAUGE[status])
    if row.tls_expires_at is not None:
        left = days_left(row.tls_expires_at, row.checked_at)
        metrics.MONITOR_CERTIFICATE_DAYS.labels(service_id).set(left)
