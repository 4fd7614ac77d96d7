"""Alerts to tenants, their limits, and the deliveries on their routes."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta

from persistence.database import Connection, Db
from persistence.ids import AlertId, RouteId, ServiceId, TenantId
from persistence.monitor import AlertDelivery, AlertKind, AlertRow, RouteKind
from persistence.queries import build_row, fetch_page, load_queries

_SQL = load_queries("alerts")
#: Alerts of an hour by one route, and by all routes of a tenant. What exceeds them is
#: summed up; nobody reads a thirty-first mail within an hour.
ALERTS_PER_ROUTE = 30
ALERTS_PER_TENANT = 200
#: A summary waits for more alerts of the same outage, and for the last summary's turn.
SUMMARY_DELAY = timedelta(minutes=1)
SUMMARY_PAUSE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class PendingDelivery:
    """An alert to be delivered by one route. The target is encrypted."""

    alert: AlertRow
    route_id: RouteId
    kind: RouteKind
    target: bytes = field(repr=False)
    service_name: str
    attempts: int
    #: An earlier attempt may have arrived.
    is_uncertain: bool = False
    #: The alert of the outage that this one ends, if the route never got it.
    undelivered: str = ""

    @property
    def text(self) -> str:
        """The whole text: an outage that was never told, and the alert itself."""
        return "\n".join(filter(None, (self.undelivered, self.alert.text)))


@dataclass(frozen=True, slots=True)
class Turns:
    """Whose deliveries are under way, and how many may be at once.

    A route or a tenant stands in its list once for each delivery.
    """

    routes: Sequence[RouteId] = ()
    tenants: Sequence[TenantId] = ()
    per_route: int = 2
    per_tenant: int = 6


@dataclass(frozen=True, slots=True)
class HeldRoute:
    """A route with alerts above the limit, and its tenant's language."""

    id: RouteId
    tenant_id: TenantId
    language: str


@dataclass(frozen=True, slots=True)
class HeldAlert:
    """The latest held alert of a service; `alerts` counts those of all services."""

    text: str
    created_at: datetime
    alerts: int


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
        ALERTS_PER_ROUTE,
        ALERTS_PER_TENANT,
    )
    return len(rows_of_new)


async def claim_deliveries(
    db: Db, at: datetime, limit: int, turns: Turns | None = None
) -> tuple[PendingDelivery, ...]:
    """Claim due deliveries in turns, and mark them as being sent."""
    turns = turns or Turns()
    rows = await db.fetch(
        _SQL["claim_deliveries"],
        at,
        limit,
        list(turns.routes),
        list(turns.tenants),
        turns.per_route,
        turns.per_tenant,
    )
    return tuple(
        PendingDelivery(
            alert=build_row(AlertRow, row),
            route_id=RouteId(row["route_id"]),
            kind=RouteKind(row["route_kind"]),
            target=row["target"],
            service_name=row["service_name"] or "",
            attempts=row["attempts"],
            is_uncertain=row["is_uncertain"],
            undelivered=row["undelivered"] or "",
        )
        for row in rows
    )


async def record_delivery(
    db: Db,
    pending: PendingDelivery,
    delivery: AlertDelivery,
    due_at: datetime,
    error: str,
    *,
    is_uncertain: bool = False,
) -> None:
    """Store the result of an attempt; uncertain ones may have arrived."""
    await db.execute(
        _SQL["record_delivery"],
        pending.alert.id,
        pending.route_id,
        delivery,
        due_at,
        error,
        is_uncertain,
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
    statements = _SQL["fetch_alerts_page"], _SQL["count_alerts"]
    filters = (tenant_id, service_id, kind)
    return await fetch_page(db, AlertRow, statements, filters, limit, offset)


async def fetch_deliveries(
    db: Db, tenant_id: TenantId, alerts: Sequence[AlertId]
) -> tuple[DeliveryRow, ...]:
    """Fetch the deliveries of these alerts."""
    rows = await db.fetch(_SQL["fetch_deliveries"], tenant_id, list(alerts))
    return tuple(build_row(DeliveryRow, row) for row in rows)


async def fetch_held_routes(db: Db, at: datetime) -> tuple[HeldRoute, ...]:
    """Fetch the routes whose held alerts are to be summed up now."""
    rows = await db.fetch(_SQL["fetch_held_routes"], at, SUMMARY_DELAY, SUMMARY_PAUSE)
    return tuple(build_row(HeldRoute, row) for row in rows)


async def take_held(
    db: Connection, route: HeldRoute, at: datetime
) -> tuple[HeldAlert, ...]:
    """Take all held alerts of a route; none if another runtime sums them up.

    Args:
        db: in a transaction, which also stores the summary.
        route: the route.
        at: now.
    """
    begun = await db.fetchval(
        _SQL["begin_summary"], route.tenant_id, route.id, at, SUMMARY_PAUSE
    )
    if begun is None:
        return ()
    rows = await db.fetch(_SQL["take_held"], route.tenant_id, route.id, at)
    return tuple(build_row(HeldAlert, row) for row in rows)


async def insert_summary(db: Connection, route: HeldRoute, row: AlertRow) -> None:
    """Store a summary, to be delivered by this route alone."""
    await db.execute(
        _SQL["insert_summary"],
        row.id,
        route.tenant_id,
        route.id,
        row.text,
        row.facts,
        row.created_at,
    )
