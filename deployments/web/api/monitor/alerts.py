"""`/api/monitor/alerts/` and `/api/monitor/alert-routes/`."""

import secrets
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal, TypeAlias, assert_never
from uuid import UUID

import orjson
from fastapi import APIRouter, Response
from pydantic import AfterValidator, Discriminator, StringConstraints

from actors.monitor.checks.addresses import check_url
from deployments.egress import check_target
from deployments.web.api.auth import SignedIn
from deployments.web.api.errors import InvalidValueError, NotFoundError
from deployments.web.api.monitor.schemas import OptionalServiceRef, hide
from deployments.web.api.schemas import Answer, Name, Page, Paging, RequestBody
from deployments.web.dependencies import Context, WebDependencies
from persistence import alerts
from persistence.channels import ChannelKind, fetch_tenant_channel
from persistence.errors import SecretUnreadableError
from persistence.ids import AlertId, ChannelId, RouteId, ServiceId, TenantId
from persistence.monitor import AlertDelivery, AlertKind, RouteKind, RouteRow

router = APIRouter(prefix="/api/monitor", tags=["monitor"])

#: The part of a target that is its address.
SHOWN: Mapping[RouteKind, str] = {
    RouteKind.WEBHOOK: "url",
    RouteKind.EMAIL: "to",
    RouteKind.TELEGRAM: "chat_id",
}


def _check_mail(value: str) -> str:
    name, at, host = value.rpartition("@")
    if not (name and at and "." in host) or not value.isascii() or " " in value:
        message = "must be an address like name@example.com"
        raise ValueError(message)
    return value


Url = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[!-~]+$", max_length=1000),
    AfterValidator(check_url),
]
Mail = Annotated[
    str,
    StringConstraints(pattern=r"^[!-~]+$", max_length=300),
    AfterValidator(_check_mail),
]
ChatId = Annotated[str, StringConstraints(pattern=r"^(-?[0-9]{1,20}|@\w{3,64})$")]
Secret = Annotated[str, StringConstraints(pattern=r"^[!-~]{8,200}$")]


class WebhookIn(RequestBody):
    """A webhook to which alerts are posted, signed with the secret."""

    kind: Literal["webhook"]
    name: Name
    url: Url
    #: Generated if left out; shown once.
    secret: Secret | None = None


class EmailIn(RequestBody):
    """An address to which alerts are mailed."""

    kind: Literal["email"]
    name: Name
    to: Mail


class TelegramIn(RequestBody):
    """A chat to which one of the tenant's bots writes."""

    kind: Literal["telegram"]
    name: Name
    channel_id: ChannelId
    chat_id: ChatId


RouteIn: TypeAlias = Annotated[WebhookIn | EmailIn | TelegramIn, Discriminator("kind")]


class RoutePatch(RequestBody):
    """Switch a route on or off."""

    enabled: bool


class RouteOut(Answer):
    """A route; a webhook's secret is shown in full once, when the route is created."""

    id: UUID
    kind: RouteKind
    name: str
    target: str
    secret: str | None = None
    enabled: bool
    created_at: datetime


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


@router.get("/alert-routes/")
async def list_routes(
    principal: SignedIn, context: Context, paging: Paging
) -> Page[RouteOut]:
    """List the routes by name."""
    count, rows = await alerts.fetch_routes_page(
        context.pool, principal.tenant_id, paging.limit, paging.offset
    )
    return paging.build(count, (_render_route(context, row) for row in rows))


@router.post("/alert-routes/", status_code=201)
async def create_route(
    body: RouteIn, principal: SignedIn, context: Context
) -> RouteOut:
    """Create a route for all alerts from now on."""
    target = await _build_target(context, principal.tenant_id, body)
    encrypted = context.cipher.encrypt(orjson.dumps(target))
    row = await alerts.create_route(
        context.pool, principal.tenant_id, RouteKind(body.kind), body.name, encrypted
    )
    return _render_route(context, row).model_copy(
        update={"secret": target.get("secret")}
    )


@router.patch("/alert-routes/{route_id}/")
async def switch_route(
    route_id: RouteId, body: RoutePatch, principal: SignedIn, context: Context
) -> RouteOut:
    """Switch a route on or off."""
    row = await alerts.switch_route(
        context.pool, principal.tenant_id, route_id, enabled=body.enabled
    )
    if row is None:
        raise NotFoundError
    return _render_route(context, row)


@router.delete("/alert-routes/{route_id}/", status_code=204)
async def delete_route(
    route_id: RouteId, principal: SignedIn, context: Context
) -> Response:
    """Delete a route with its unsent alerts."""
    if not await alerts.delete_route(context.pool, principal.tenant_id, route_id):
        raise NotFoundError
    return Response(status_code=204)


async def _build_target(
    context: WebDependencies,
    tenant_id: TenantId,
    body: WebhookIn | EmailIn | TelegramIn,
) -> dict[str, str]:
    match body:
        case WebhookIn():
            reason = await check_target(context.egress, body.url)
            if reason is not None:
                message = f"url: {reason}"
                raise InvalidValueError(message)
            secret = body.secret or secrets.token_urlsafe(32)
            return {"url": body.url, "secret": secret}
        case EmailIn():
            return {"to": body.to}
        case TelegramIn():
            channel = await fetch_tenant_channel(
                context.pool, tenant_id, body.channel_id
            )
            if channel is None or channel.kind is not ChannelKind.TELEGRAM:
                message = "channel_id: there is no such Telegram channel"
                raise InvalidValueError(message)
            return {"channel_id": str(body.channel_id), "chat_id": body.chat_id}
        case _:
            assert_never(body)


def _render_route(context: WebDependencies, row: RouteRow) -> RouteOut:
    try:
        target: Mapping[str, str] = orjson.loads(context.cipher.decrypt(row.target))
    except SecretUnreadableError:
        # The list must open, so that the route can be deleted.
        target = {}
    secret = target.get("secret")
    return RouteOut.model_validate(
        {
            **asdict(row),
            "target": target.get(SHOWN[row.kind], ""),
            "secret": None if secret is None else hide(secret),
        }
    )
