"""`/api/monitor/alert-routes/`: where a tenant's alerts go."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Literal, TypeAlias, assert_never
from uuid import UUID

import orjson
from fastapi import APIRouter, Response
from pydantic import AfterValidator, Discriminator, StringConstraints

from actors.monitor.checks.addresses import check_url
from deployments.egress import check_target
from deployments.http.errors import TooManyRequestsError
from deployments.monitoring.mail import check_address
from deployments.web.api.auth import SignedIn
from deployments.web.api.errors import (
    InvalidValueError,
    LimitReachedError,
    NotFoundError,
    require,
)
from deployments.web.api.monitor.schemas import hide
from deployments.web.api.schemas import Answer, Name, Page, Paging, RequestBody
from deployments.web.dependencies import Context, WebDependencies
from persistence import alert_routes
from persistence.channels import ChannelKind, fetch_tenant_channel
from persistence.database import Connection
from persistence.errors import SecretUnreadableError
from persistence.ids import ChannelId, RouteId, TenantId
from persistence.monitor import RouteKind, RouteRow
from persistence.secrets import hash_token
from persistence.tenants import lock_tenant

router = APIRouter(prefix="/api/monitor", tags=["monitor"])

#: Links to be mailed: of a route in a minute, of a tenant in an hour, and to one
#: address in a day, whichever tenants name it.
LIMITS = (
    (1, timedelta(minutes=1), "A link may be mailed once a minute."),
    (10, timedelta(hours=1), "At most 10 links may be mailed in an hour."),
    (3, timedelta(days=1), "At most 3 links may be mailed to one address in a day."),
)
#: The part of a target that is its address.
SHOWN: Mapping[RouteKind, str] = {
    RouteKind.WEBHOOK: "url",
    RouteKind.EMAIL: "to",
    RouteKind.TELEGRAM: "chat_id",
}


Url = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[!-~]+$", max_length=1000),
    AfterValidator(check_url),
]
Mail = Annotated[str, AfterValidator(check_address)]
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
    """One address to which alerts are mailed, once its owner has confirmed it."""

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
    """A route; a webhook's secret is shown in full once, when the route is created.

    No alert goes to a route that is not `confirmed`; `problem` says why its link could
    not be mailed, and is empty otherwise.
    """

    id: UUID
    kind: RouteKind
    name: str
    target: str
    secret: str | None = None
    enabled: bool
    confirmed: bool
    problem: str
    created_at: datetime


@router.get("/alert-routes/")
async def list_routes(
    principal: SignedIn, context: Context, paging: Paging
) -> Page[RouteOut]:
    """List the routes by name."""
    count, rows = await alert_routes.fetch_routes_page(
        context.pool, principal.tenant_id, paging.limit, paging.offset
    )
    return paging.build(count, (_render_route(context, row) for row in rows))


@router.post("/alert-routes/", status_code=201)
async def create_route(
    body: RouteIn, principal: SignedIn, context: Context
) -> RouteOut:
    """Create a route for all alerts from now on.

    A mail address is used when its owner has opened the link that is mailed there.
    """
    tenant_id, is_mail = principal.tenant_id, isinstance(body, EmailIn)
    target = await _build_target(context, tenant_id, body)
    encrypted = context.cipher.encrypt(orjson.dumps(target))
    async with context.pool.acquire() as db, db.transaction():
        await lock_tenant(db, tenant_id)
        await _refuse_beyond_limit(context, db, tenant_id)
        row = await alert_routes.create_route(
            db,
            tenant_id,
            RouteKind(body.kind),
            body.name,
            encrypted,
            _build_confirmation(context) if is_mail else None,
        )
        if is_mail:
            await _count_mail(context, db, row, target["to"])
    return _render_route(context, row).model_copy(
        update={"secret": target.get("secret")}
    )


@router.patch("/alert-routes/{route_id}/")
async def switch_route(
    route_id: RouteId, body: RoutePatch, principal: SignedIn, context: Context
) -> RouteOut:
    """Switch a route on or off."""
    row = await alert_routes.switch_route(
        context.pool, principal.tenant_id, route_id, enabled=body.enabled
    )
    if row is None:
        raise NotFoundError
    return _render_route(context, row)


@router.post("/alert-routes/{route_id}/confirmation/")
async def send_confirmation(
    route_id: RouteId, principal: SignedIn, context: Context
) -> RouteOut:
    """Mail the link again; the former one is worthless then."""
    tenant_id = principal.tenant_id
    async with context.pool.acquire() as db, db.transaction():
        await lock_tenant(db, tenant_id)
        row = require(await alert_routes.fetch_route(db, tenant_id, route_id))
        if row.confirmed_at is None:
            address = str(_read_target(context, row).get("to", ""))
            await _count_mail(context, db, row, address)
            renewed = await alert_routes.renew_confirmation(
                db,
                tenant_id,
                route_id,
                _build_confirmation(context),
            )
            # None: its link was opened a moment ago.
            row = renewed or require(
                await alert_routes.fetch_route(db, tenant_id, route_id)
            )
    return _render_route(context, row)


@router.delete("/alert-routes/{route_id}/", status_code=204)
async def delete_route(
    route_id: RouteId, principal: SignedIn, context: Context
) -> Response:
    """Delete a route with its unsent alerts."""
    if not await alert_routes.delete_route(context.pool, principal.tenant_id, route_id):
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


async def _refuse_beyond_limit(
    context: WebDependencies, db: Connection, tenant_id: TenantId
) -> None:
    limit = context.settings.max_alert_routes
    if await alert_routes.count_routes(db, tenant_id) >= limit:
        message = f"There may be {limit} alert routes. Delete one that is not used."
        raise LimitReachedError(message)


def _build_confirmation(context: WebDependencies) -> alert_routes.Confirmation:
    token = secrets.token_urlsafe(32)
    return alert_routes.Confirmation(
        hash_token(token),
        context.cipher.encrypt(token.encode()),
        context.clock.now(),
    )


async def _count_mail(
    context: WebDependencies, db: Connection, row: RouteRow, address: str
) -> None:
    """Count a link that is to be mailed. Raises TooManyRequestsError."""
    now = context.clock.now()
    counts = await alert_routes.count_confirmations(
        db, row.tenant_id, row.id, address, now
    )
    for count, (limit, span, what) in zip(
        (counts.of_route, counts.of_tenant, counts.to_address), LIMITS, strict=True
    ):
        if count >= limit:
            message = f"{what} Try again later."
            raise TooManyRequestsError(message, span)
    await alert_routes.insert_confirmation_mail(db, row.tenant_id, row.id, address, now)


def _render_route(context: WebDependencies, row: RouteRow) -> RouteOut:
    target = _read_target(context, row)
    secret = target.get("secret")
    problem = row.confirmation_error
    if row.confirmed_at is None and context.settings.smtp_url is None:
        problem = "this runtime has no mail server (PILITO_SMTP_URL)"
    return RouteOut.model_validate(
        {
            **asdict(row),
            "target": target.get(SHOWN[row.kind], ""),
            "secret": None if secret is None else hide(secret),
            "confirmed": row.confirmed_at is not None,
            "problem": problem,
        }
    )


def _read_target(context: WebDependencies, row: RouteRow) -> Mapping[str, str]:
    try:
        target: Mapping[str, str] = orjson.loads(context.cipher.decrypt(row.target))
    except SecretUnreadableError:
        # The list must open, so that the route can be deleted.
        return {}
    return target
