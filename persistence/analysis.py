"""Check columns for the analysis, and the anomalies and digests that it stores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import cast

from persistence.database import Connection, Db
from persistence.ids import ResultId, ServiceId, TenantId
from persistence.monitor import AnomalyRow, DigestRow
from persistence.queries import build_row, load_queries

_SQL = load_queries("analysis")


@dataclass(frozen=True, slots=True)
class CheckColumns:
    """A service's checks as columns, the oldest first."""

    #: Seconds since 1970.
    at: Sequence[float]
    #: None where the check failed.
    latency_ms: Sequence[float | None]
    ok: Sequence[bool]


@dataclass(frozen=True, slots=True)
class AnomalyFilter:
    """Which anomalies a page lists; None leaves a filter out."""

    service_id: ServiceId | None = None
    since: datetime | None = None
    until: datetime | None = None


async def fetch_service_names(
    db: Db, tenant_id: TenantId, service_id: ServiceId | None = None
) -> dict[ServiceId, str]:
    """Fetch a tenant's services, or the one, by id."""
    rows = await db.fetch(_SQL["fetch_service_names"], tenant_id, service_id)
    return {ServiceId(row["id"]): row["name"] for row in rows}


async def fetch_tenants_with_services(db: Db) -> tuple[TenantId, ...]:
    """Fetch the tenants that have enabled services."""
    rows = await db.fetch(_SQL["fetch_tenants_with_services"])
    return tuple(TenantId(row["tenant_id"]) for row in rows)


async def fetch_due_tenants(db: Db, due: datetime) -> tuple[TenantId, ...]:
    """Fetch the tenants without a digest of the day that ended at `due`."""
    rows = await db.fetch(_SQL["fetch_due_tenants"], due)
    return tuple(TenantId(row["tenant_id"]) for row in rows)


async def fetch_check_columns(
    db: Db,
    tenant_id: TenantId,
    services: Sequence[ServiceId],
    since: datetime,
    until: datetime,
) -> Mapping[ServiceId, CheckColumns]:
    """Fetch the checks of some services; a service without checks is left out."""
    rows = await db.fetch(
        _SQL["fetch_check_columns"], tenant_id, list(services), since, until
    )
    return {
        ServiceId(row["service_id"]): CheckColumns(
            row["at"], row["latency_ms"], row["ok"]
        )
        for row in rows
    }


async def fetch_result_ids(
    db: Db,
    tenant_id: TenantId,
    service_id: ServiceId | None,
    instants: Sequence[datetime],
    limit: int,
) -> tuple[ResultId, ...]:
    """Fetch the results of checks at these instants."""
    rows = await db.fetch(
        _SQL["fetch_result_ids"], tenant_id, service_id, list(instants), limit
    )
    return tuple(ResultId(row["id"]) for row in rows)


async def upsert_anomaly(db: Db, row: AnomalyRow) -> bool:
    """Store an anomaly; return whether it is new."""
    is_new = await db.fetchval(
        _SQL["upsert_anomaly"],
        row.id,
        row.tenant_id,
        row.service_id,
        row.started_at,
        row.ended_at,
        row.score,
        row.feature,
        row.details,
        list(row.result_ids),
        row.created_at,
    )
    return bool(is_new)


async def upsert_digests(db: Connection, rows: Sequence[DigestRow]) -> None:
    """Store digests, replacing earlier ones of the same period."""
    await db.executemany(
        _SQL["upsert_digest"],
        [[getattr(row, column.name) for column in fields(DigestRow)] for row in rows],
    )


async def fetch_digests_page(
    db: Db, tenant_id: TenantId, service_id: ServiceId | None, limit: int, offset: int
) -> tuple[int, tuple[DigestRow, ...]]:
    """Fetch a page of digests, of one service or of all, and their total number."""
    count = cast("int", await db.fetchval(_SQL["count_digests"], tenant_id, service_id))
    rows = await db.fetch(
        _SQL["fetch_digests_page"], tenant_id, service_id, limit, offset
    )
    return count, tuple(build_row(DigestRow, row) for row in rows)


async def fetch_latest_digest(
    db: Db, tenant_id: TenantId, service_id: ServiceId | None
) -> DigestRow | None:
    """Fetch the latest digest of a service, or the overall one."""
    row = await db.fetchrow(_SQL["fetch_latest_digest"], tenant_id, service_id)
    return None if row is None else build_row(DigestRow, row)


async def fetch_anomalies_page(
    db: Db, tenant_id: TenantId, wanted: AnomalyFilter, limit: int, offset: int
) -> tuple[int, tuple[AnomalyRow, ...]]:
    """Fetch a page of anomalies and their total number."""
    asked = (tenant_id, wanted.service_id, wanted.since, wanted.until)
    count = cast("int", await db.fetchval(_SQL["count_anomalies"], *asked))
    rows = await db.fetch(_SQL["fetch_anomalies_page"], *asked, limit, offset)
    return count, tuple(build_row(AnomalyRow, row) for row in rows)


async def delete_old_findings(db: Db, before: datetime) -> None:
    """Delete anomalies and digests whose results are deleted."""
    await db.execute(_SQL["delete_old_findings"], before)


async def try_lock_analysis(db: Connection, tenant_id: TenantId) -> bool:
    """Claim a tenant's analysis for this session; False if another one has it."""
    return bool(await db.fetchval(_SQL["try_lock_analysis"], str(tenant_id)))


async def unlock_analysis(db: Connection, tenant_id: TenantId) -> None:
    """Release the claim."""
    await db.execute(_SQL["unlock_analysis"], str(tenant_id))
