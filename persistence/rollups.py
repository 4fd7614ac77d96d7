"""Rollups of services by hour and day, and the uptime windows made from them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from persistence.database import Connection, Db
from persistence.ids import ServiceId, TenantId
from persistence.monitor import Period, RollupRow, RollupUnit
from persistence.queries import build_row, load_queries

_SQL = load_queries("rollups")
#: Latency buckets grow by this factor: bucket b holds 1.1^(b-1) to 1.1^b milliseconds.
GAMMA = 1.1
#: Each period, and the rollups that it is made from: those that begin within it.
PERIODS: Mapping[Period, tuple[RollupUnit, timedelta]] = {
    Period.DAY: (RollupUnit.HOUR, timedelta(hours=24)),
    Period.WEEK: (RollupUnit.DAY, timedelta(days=7)),
    Period.MONTH: (RollupUnit.DAY, timedelta(days=30)),
}


async def upsert_rollups(db: Connection, rows: Sequence[RollupRow]) -> None:
    """Store the totals of hours and days."""
    await db.execute(
        _SQL["upsert_rollups"],
        [row.tenant_id for row in rows],
        [row.service_id for row in rows],
        [row.unit for row in rows],
        [row.starts_at for row in rows],
        [row.checks for row in rows],
        [row.passed for row in rows],
        [row.excused for row in rows],
        [row.latency_sum_ms for row in rows],
        # As an object: a list in a list would be taken for another dimension.
        [{"buckets": row.buckets, "counts": row.counts} for row in rows],
    )


async def fetch_open_rollups(
    db: Db, services: Sequence[ServiceId], hour: datetime, day: datetime
) -> tuple[RollupRow, ...]:
    """Fetch the current hour and day of these services."""
    rows = await db.fetch(_SQL["fetch_open_rollups"], list(services), hour, day)
    return tuple(build_row(RollupRow, row) for row in rows)


async def fetch_service_rollups(
    db: Db,
    tenant_id: TenantId,
    service_id: ServiceId,
    unit: RollupUnit,
    since: datetime,
) -> tuple[RollupRow, ...]:
    """Fetch a service's hours or days, the oldest first."""
    rows = await db.fetch(
        _SQL["fetch_service_rollups"], tenant_id, service_id, unit, since
    )
    return tuple(build_row(RollupRow, row) for row in rows)


async def refresh_windows(db: Connection, period: Period, at: datetime) -> None:
    """Refresh uptime and percentiles of all services, inside a transaction."""
    unit, span = PERIODS[period]
    await db.execute(_SQL["refresh_windows"], period, unit, at - span, at, GAMMA)
    await db.execute(_SQL["forget_windows"], period, at)
    await db.execute(_SQL["show_windows"])
