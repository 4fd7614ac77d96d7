"""Alerts to tenants, their routes, and the deliveries on them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import cast
from uuid import uuid4

from persistence.database import Connection, Db
from persistence.errors import DuplicateRowError
from persistence.ids import AlertId, RouteId, ServiceId, TenantId
from persistence.monitor import (
    AlertDelivery,
    AlertKind,
    AlertRow,
    RouteKind,
    RouteRow,
)
from persistence.queries import build_row, load_queries

_SQL = load_queries("alerts")
TAKEN = "name: a route of this name exists already"


@dataclass(frozen=True, slots=True)
class PendingDelivery:
    """An alert to be delivered by one route. The target is encrypted."""

    alert: AlertRow
    route_id: RouteId
    kind: RouteKind
    target: bytes = field(repr=False)
    service_name: str
    attempts: int


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """The state of an alert's delivery by one route."""

    alert_id: AlertId
    route: str
    kind: RouteKind
    delivery: AlertDelivery
    attempts: int
    error: str
    updated_at: datetime


async def insert_alerts(db: Connection, rows: Sequence[AlertRow]) -> int:
    """Store alerts with their deliveries; return how many are new."""
    rows_of_new = await db.fetch(
        _SQL["insert_alerts"],
        *([getattr(row, column.name) for row in rows] for column in fields(AlertRow)),
    )
    return len(rows_of_new)


async def claim_deliveries(
    db: Db, at: datetime, limit: int
) -> tuple[PendingDelivery, ...]:
    """Claim due deliveries, and mark them as being sent."""
    rows = await db.fetch(_SQL["claim_deliveries"], at, limit)
    return tuple(
        PendingDelivery(
            alert=build_row(AlertRow, row),
            route_id=RouteId(row["route_id"]),
            kind=RouteKind(row["route_kind"]),
            target=row["target"],
            service_name=row["service_name"] or "",
            attempts=row["attempts"],
        )
        for row in rows
    )


async def record_delivery(
    db: Db,
    pending: PendingDelivery,
    delivery: AlertDelivery,
    due_at: datetime,
    error: str,
) -> None:
    """Store the result of an attempt."""
    await db.execute(
        _SQL["record_delivery"],
        pending.alert.id,
        pending.route_id,
        delivery,
        due_at,
        error,
    )


async def settle_interrupted(db: Db, at: datetime) -> None:
    """Settle deliveries that were being sent when their sender died."""
    await db.execute(_SQL["settle_interrupted"], at)


async def fetch_alerts_page(
    db: Db,
    tenant_id: TenantId,
    service_id: ServiceId | None,
    kind: AlertKind | None,
    limit: int,
    offset: int,
) -> tuple[int, tuple[AlertRow, ...]]:
    """Fetch a page of alerts and how many there are in all."""
    arguments = (tenant_id, service_id, kind)
    rows = await db.fetch(_SQL["fetch_alerts_page"], *arguments, limit, offset)
    total = await db.fetchval(_SQL["count_alerts"], *arguments)
    return cast("int", total), tuple(build_row(AlertRow, row) for row in rows)


async def fetch_deliveries(
    db: Db, tenant_id: TenantId, alerts: Sequence[AlertId]
) -> tuple[DeliveryRow, ...]:
    """Fetch the deliveries of these alerts."""
    rows = await db.fetch(_SQL["fetch_deliveries"], tenant_id, list(alerts))
    return tuple(
        DeliveryRow(
            AlertId(row["alert_id"]),
            row["name"],
            RouteKind(row["kind"]),
            AlertDelivery(row["delivery"]),
            row["attempts"],
            row["error"],
            row["updated_at"],
        )
        for row in rows
    )


async def create_route(
    db: Db, tenant_id: TenantId, kind: RouteKind, name: str, target: bytes
) -> RouteRow:
    """Create a route. Raises DuplicateRowError when the name is taken."""
    row = await db.fetchrow(
        _SQL["insert_route"],
        uuid4(),
        tenant_id,
        kind,
        name,
        target,
        True,
    )
    if row is None:
        raise DuplicateRowError(TAKEN)
    return build_row(RouteRow, row)


async def fetch_routes_page(
    db: Db, tenant_id: TenantId, limit: int, offset: int
) -> tuple[int, tuple[RouteRow, ...]]:
    """Fetch a page of routes and how many there are in all."""
    rows = await db.fetch(_SQL["fetch_routes_page"], tenant_id, limit, offset)
    if rows:
        return rows[0]["total"], tuple(build_row(RouteRow, row) for row in rows)
    return cast("int", await db.fetchval(_SQL["count_routes"], tenant_id)), ()


async def fetch_route(
    db: Db, tenant_id: TenantId, route_id: RouteId
) -> RouteRow | None:
    """Fetch a route; None if it is not this tenant's."""
    row = await db.fetchrow(_SQL["fetch_route"], tenant_id, route_id)
    return None if row is None else build_row(RouteRow, row)


async def switch_route(
    db: Db, tenant_id: TenantId, route_id: RouteId, *, enabled: bool
) -> RouteRow | None:
    """Switch a route on or off; None if there is none."""
    row = await db.fetchrow(_SQL["switch_route"], tenant_id, route_id, enabled)
    return None if row is None else build_row(RouteRow, row)


async def delete_route(db: Db, tenant_id: TenantId, route_id: RouteId) -> bool:
    """Delete a route; False if there is none."""
    return await db.fetchval(_SQL["delete_route"], tenant_id, route_id) is not None
