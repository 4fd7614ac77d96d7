"""`/api/monitor/alerts/`: the alerts of a tenant, and their deliveries."""

from collections import defaultdict
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter

from deployments.web.api.auth import SignedIn
from deployments.web.api.monitor.schemas import OptionalServiceRef
from deployments.web.api.schemas import Answer, Page, Paging
from deployments.web.dependencies import Context
from persistence import alerts
from persistence.ids import AlertId, ServiceId
from persistence.monitor import AlertDelivery, AlertKind, RouteKind

router = APIRouter(prefix="/api/monitor", tags=["monitor"])


class DeliveryOut(Answer):
    """The delivery of an alert by one route."""

    route: str
    kind: RouteKind
    delivery: AlertDelivery
    attempts: int
    error: str
    updated_at: datetime


class AlertOut(Answer):
    """An alert and its deliveries."""

    id: UUID
    service: OptionalServiceRef
    kind: AlertKind
    incident_id: UUID | None
    text: str
    facts: dict[str, object]
    created_at: datetime
    deliveries: list[DeliveryOut]


@router.get("/alerts/")
async def list_alerts(
    principal: SignedIn,
    context: Context,
    paging: Paging,
    service: ServiceId | None = None,
    kind: AlertKind | None = None,
) -> Page[AlertOut]:
    """List alerts, the newest first."""
    count, rows = await alerts.fetch_alerts_page(
        context.pool,
        principal.tenant_id,
        service,
        kind,
        paging.limit,
        paging.offset,
    )
    deliveries = await alerts.fetch_deliveries(
        context.pool, principal.tenant_id, [row.id for row in rows]
    )
    by_alert: defaultdict[AlertId, list[alerts.DeliveryRow]] = defaultdict(list)
    for delivery in deliveries:
        by_alert[delivery.alert_id].append(delivery)
    answers = ({**asdict(row), "deliveries": by_alert[row.id]} for row in rows)
    return paging.build(count, map(AlertOut.model_validate, answers))
