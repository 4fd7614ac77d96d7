"""Results, transitions, rollups and uptime windows, and the summary of services."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

import asyncpg

from persistence import monitor
from persistence.database import Connection, Db
from persistence.ids import ResultId, ServiceId, TenantId
from persistence.paging import Found, Window, fetch_window
from persistence.queries import build_row, fetch_page, load_queries

_SQL = load_queries("check_results")
#: Latency buckets grow by this factor: bucket b holds 1.1^(b-1) to 1.1^b milliseconds.
GAMMA = 1.1
#: Each period, and the rollups that it is made from: those that begin within it.
PERIODS: Mapping[monitor.Period, tuple[monitor.RollupUnit, timedelta]] = {
    monitor.Period.DAY: (monitor.RollupUnit.HOUR, timedelta(hours=24)),
    monitor.Period.WEEK: (monitor.RollupUnit.DAY, timedelta(days=7)),
    monitor.Period.MONTH: (monitor.RollupUnit.DAY, timedelta(days=30)),
}
#: From the best to the worst.
STATUSES = (
    monitor.Status.UNKNOWN,
    monitor.Status.UP,
    monitor.Status.MAINTENANCE,
    monitor.Status.DEGRADED,
    monitor.Status.DOWN,
)


@dataclass(frozen=True, slots=True)
class WindowFigures:
    """Figures of a service in a period; percentiles are of passed checks only."""

    checks: int
    passed: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None

    @property
    def uptime(self) -> float | None:
        """The share of passed checks; None without checks."""
        return self.passed / self.checks if self.checks else None


# Tuples from here on: a summary has thousands of them, and frozen dataclasses take five
# times as long to build.


class LatestCheck(NamedTuple):
    """The last result of a service."""

    status_code: int | None
    ok: bool
    latency_ms: float | None
    error: str | None
    checked_at: datetime


class LatestDigest(NamedTuple):
    """The latest digest of a service, or the overall one."""

    summary_text: str
    anomaly_count: int
    period_start: datetime


class SummaryRow(NamedTuple):
    """A service in the summary."""

    id: ServiceId
    name: str
    enabled: bool
    origin: monitor.Origin
    status: monitor.Status
    since: datetime | None
    tls_expires_at: datetime | None
    #: A JSON object of figures by period, as it is shown; None before the first.
    windows: str | None
    latest: LatestCheck | None
    digest: LatestDigest | None


class UptimeRow(NamedTuple):
    """A bucket of a service's bars; `bucket` counts them, the oldest is 0."""

    service_id: ServiceId
    bucket: int
    #: Without the excused ones.
    checks: int
    passed: int
    worst: monitor.Status


@dataclass(frozen=True, slots=True)
class Buckets:
    """Spans of equal width, the oldest of which begins at `since`."""

    unit: monitor.RollupUnit
    since: datetime
    #: A multiple of the unit.
    width: timedelta
    count: int


async def fetch_results_page(
    db: Db,
    tenant_id: TenantId,
    window: Window,
    *,
    service_id: ServiceId | None,
    since: datetime | None,
    until: datetime | None,
    ok: bool | None,
) -> Found[monitor.CheckRow]:
    """Fetch a page of results; None leaves a filter out."""
    return await fetch_window(
        db,
        (_SQL["fetch_results_page"], _SQL["count_results"]),
        (tenant_id, service_id, since, until, ok),
        window,
        ("checked_at", "id"),
        partial(build_row, monitor.CheckRow),
    )


async def fetch_result(
    db: Db, tenant_id: TenantId, result_id: ResultId
) -> monitor.CheckRow | None:
    """Fetch one result; None if it is not this tenant's."""
    row = await db.fetchrow(_SQL["fetch_result"], tenant_id, result_id)
    return None if row is None else build_row(monitor.CheckRow, row)


async def fetch_transitions_page(
    db: Db, tenant_id: TenantId, service_id: ServiceId | None, limit: int, offset: int
) -> tuple[int, tuple[monitor.TransitionRow, ...]]:
    """Fetch a page of transitions and their total number."""
    statements = _SQL["fetch_transitions_page"], _SQL["count_transitions"]
    filters = (tenant_id, service_id)
    return await fetch_page(
        db, monitor.TransitionRow, statements, filters, limit, offset
    )


async def fetch_summary(db: Db, tenant_id: TenantId) -> tuple[SummaryRow, ...]:
    """Fetch all of a tenant's services, by name."""
    rows = await db.fetch(_SQL["fetch_summary"], tenant_id)
    return tuple(_summary(row) for row in rows)


async def fetch_global_digest(db: Db, tenant_id: TenantId) -> LatestDigest | None:
    """Fetch the latest overall digest."""
    row = await db.fetchrow(_SQL["fetch_global_digest"], tenant_id)
    return None if row is None else LatestDigest(*row)


async def fetch_windows(
    db: Db, tenant_id: TenantId, service_id: ServiceId
) -> dict[monitor.Period, WindowFigures]:
    """Fetch a service's figures by period."""
    rows = await db.fetch(_SQL["fetch_windows"], tenant_id, service_id)
    return {
        monitor.Period(row["period"]): build_row(WindowFigures, row) for row in rows
    }


async def upsert_rollups(db: Connection, rows: Sequence[monitor.RollupRow]) -> None:
    """Store the totals of hours and days."""
    columns = [column.name for column in fields(monitor.RollupRow)]
    await db.execute(
        _SQL["upsert_rollups"],
        *([getattr(row, name) for row in rows] for name in columns[:-2]),
        # As an object: a list in a list would be taken for another dimension.
        [{"buckets": row.buckets, "counts": row.counts} for row in rows],
    )


async def fetch_open_rollups(
    db: Db, services: Sequence[ServiceId], hour: datetime, day: datetime
) -> tuple[monitor.RollupRow, ...]:
    """Fetch the current hour and day of these services."""
    rows = await db.fetch(_SQL["fetch_open_rollups"], list(services), hour, day)
    return tuple(build_row(monitor.RollupRow, row) for row in rows)


async def fetch_service_rollups(
    db: Db,
    tenant_id: TenantId,
    service_id: ServiceId,
    unit: monitor.RollupUnit,
    since: datetime,
) -> tuple[monitor.RollupRow, ...]:
    """Fetch a service's hours or days, the oldest first."""
    rows = await db.fetch(
        _SQL["fetch_service_rollups"], tenant_id, service_id, unit, since
    )
    return tuple(build_row(monitor.RollupRow, row) for row in rows)


async def fetch_uptime(
    db: Db, tenant_id: TenantId, services: Sequence[ServiceId], buckets: Buckets
) -> tuple[UptimeRow, ...]:
    """Fetch all buckets of those of these services that are the tenant's, in order."""
    rows = await db.fetch(
        _SQL["fetch_uptime"],
        tenant_id,
        list(services),
        buckets.unit,
        buckets.since,
        buckets.width,
        buckets.count,
        STATUSES,
    )
    return tuple(UptimeRow(*row) for row in rows)


async def refresh_windows(db: Connection, period: monitor.Period, at: datetime) -> None:
    """Refresh uptime and percentiles of all services, inside a transaction."""
    unit, span = PERIODS[period]
    await db.execute(_SQL["refresh_windows"], period, unit, at - span, at, GAMMA)
    await db.execute(_SQL["forget_windows"], period, at)
    await db.execute(_SQL["show_windows"])


def _summary(row: asyncpg.Record) -> SummaryRow:
    # By position: the query's columns have the order of the tuples.
    values = tuple(row)
    return SummaryRow(
        ServiceId(values[0]),
        values[1],
        values[2],
        monitor.Origin(values[3]),
        monitor.Status(values[4]),
        values[5],
        values[6],
        values[7],
        None if values[12] is None else LatestCheck(*values[8:13]),
        None if values[13] is None else LatestDigest(*values[13:]),
    )
