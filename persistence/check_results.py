"""Results and transitions of a tenant's services, and the summary of all of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, cast

import asyncpg

from persistence.database import Db
from persistence.ids import ResultId, ServiceId, TenantId
from persistence.monitor import CheckRow, Origin, Period, Status, TransitionRow
from persistence.queries import build_row, load_queries

_SQL = load_queries("check_results")


@dataclass(frozen=True, slots=True)
class ResultFilter:
    """Which results a page lists; None leaves a filter out."""

    service_id: ServiceId | None = None
    since: datetime | None = None
    until: datetime | None = None
    ok: bool | None = None


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
    origin: Origin
    status: Status
    since: datetime | None
    tls_expires_at: datetime | None
    #: A JSON object of figures by period, as it is shown; None before the first.
    windows: str | None
    latest: LatestCheck | None
    digest: LatestDigest | None


async def fetch_results_page(
    db: Db, tenant_id: TenantId, wanted: ResultFilter, limit: int, offset: int
) -> tuple[int, tuple[CheckRow, ...]]:
    """Fetch a page of results and how many there are in all."""
    arguments = (tenant_id, wanted.service_id, wanted.since, wanted.until, wanted.ok)
    rows = await db.fetch(_SQL["fetch_results_page"], *arguments, limit, offset)
    total = await db.fetchval(_SQL["count_results"], *arguments)
    return cast("int", total), tuple(build_row(CheckRow, row) for row in rows)


async def fetch_result(
    db: Db, tenant_id: TenantId, result_id: ResultId
) -> CheckRow | None:
    """Fetch one result; None if it is not this tenant's."""
    row = await db.fetchrow(_SQL["fetch_result"], tenant_id, result_id)
    return None if row is None else build_row(CheckRow, row)


async def fetch_transitions_page(
    db: Db, tenant_id: TenantId, service_id: ServiceId | None, limit: int, offset: int
) -> tuple[int, tuple[TransitionRow, ...]]:
    """Fetch a page of transitions and their total number."""
    rows = await db.fetch(
        _SQL["fetch_transitions_page"], tenant_id, service_id, limit, offset
    )
    total = await db.fetchval(_SQL["count_transitions"], tenant_id, service_id)
    return cast("int", total), tuple(build_row(TransitionRow, row) for row in rows)


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
) -> dict[Period, WindowFigures]:
    """Fetch a service's figures by period."""
    rows = await db.fetch(_SQL["fetch_windows"], tenant_id, service_id)
    return {
        Period(row["period"]): WindowFigures(
            row["checks"], row["passed"], row["p50_ms"], row["p95_ms"], row["p99_ms"]
        )
        for row in rows
    }


def _summary(row: asyncpg.Record) -> SummaryRow:
    # By position: the query's columns have the order of the tuples.
    values = tuple(row)
    return SummaryRow(
        ServiceId(values[0]),
        values[1],
        values[2],
        Origin(values[3]),
        Status(values[4]),
        values[5],
        values[6],
        values[7],
        None if values[12] is None else LatestCheck(*values[8:13]),
        None if values[13] is None else LatestDigest(*values[13:]),
    )
