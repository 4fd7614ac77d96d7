"""`/api/monitor/services/`: the monitored services of a tenant."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response

from actors.monitor.checks.addresses import split_origin
from actors.monitor.rollup_accumulator import quantile
from deployments.egress import check_target
from deployments.http.errors import TooManyRequestsError
from deployments.web.api.auth import SignedIn
from deployments.web.api.errors import (
    InvalidValueError,
    LimitReachedError,
    NotFoundError,
)
from deployments.web.api.monitor import schemas
from deployments.web.api.monitor.schemas import ResultOut, ServiceIn, ServiceOut
from deployments.web.api.schemas import Answer, Page, Paging
from deployments.web.dependencies import Context, WebDependencies
from persistence import services
from persistence.check_results import PERIODS, fetch_service_rollups, fetch_windows
from persistence.errors import SecretUnreadableError
from persistence.ids import ServiceId, TenantId
from persistence.monitor import Origin, Period, RollupRow, RollupUnit, Service, Status
from persistence.services import ServiceSpec, Standing
from persistence.tenants import lock_tenant

WRITE_HEADERS = (
    "headers: scheme, host or port change, so send the header values anew ({} for none)"
)

router = APIRouter(prefix="/api/monitor/services", tags=["monitor"])

#: Between two checks on demand of a service: they are requests to another's server.
CHECK_PAUSE = timedelta(seconds=10)
TOO_SOON = "A service is checked on demand every 10 seconds at most. Wait a moment."


class PointOut(Answer):
    """An hour or a day of a chart."""

    starts_at: datetime
    checks: int
    passed: int
    average_ms: float | None
    p50_ms: float | None
    p95_ms: float | None


class StatsOut(Answer):
    """Figures of a service, and the points of its chart, the oldest first."""

    windows: dict[Period, schemas.FiguresOut]
    unit: RollupUnit
    points: list[PointOut]


@router.get("/")
async def list_services(
    principal: SignedIn,
    context: Context,
    paging: Paging,
    enabled: bool | None = None,
    status: Status | None = None,
) -> Page[ServiceOut]:
    """List services by name, with their status."""
    count, rows = await services.fetch_services_page(
        context.pool,
        principal.tenant_id,
        paging.limit,
        paging.offset,
        enabled=enabled,
        status=status,
    )
    return paging.build(count, (_render(context, *row) for row in rows))


@router.post("/", status_code=201)
async def create_service(
    body: ServiceIn, principal: SignedIn, context: Context
) -> ServiceOut:
    """Create a service; its first check starts at once. 409 at the limit."""
    spec = body.build_spec(_merge(body.headers, {}))
    await _refuse_walled(context, spec.base_url)
    tenant_id, limit = principal.tenant_id, context.settings.max_services
    async with context.pool.acquire() as db, db.transaction():
        await lock_tenant(db, tenant_id)
        if await services.count_own_services(db, tenant_id) >= limit:
            message = f"There may be {limit} services. Delete one that is not needed."
            raise LimitReachedError(message)
        service = await services.create_service(db, context.cipher, tenant_id, spec)
    return _render(context, service, Standing(Status.UNKNOWN, None))


@router.get("/{service_id}/")
async def show_service(
    service_id: ServiceId, principal: SignedIn, context: Context
) -> ServiceOut:
    """Show one service."""
    service = await _fetch_or_404(context, principal.tenant_id, service_id)
    return await _show(context, service)


@router.put("/{service_id}/")
async def replace_service(
    service_id: ServiceId, body: ServiceIn, principal: SignedIn, context: Context
) -> ServiceOut:
    """Replace a service; its results stay."""
    await _refuse_new_address(context, principal.tenant_id, service_id, body.base_url)
    return await _change(
        context,
        principal.tenant_id,
        service_id,
        lambda old, headers: body.build_spec(
            _merge(body.headers, _keep_headers(old, body.base_url, headers))
        ),
    )


@router.patch("/{service_id}/")
async def edit_service(
    service_id: ServiceId,
    body: schemas.ServicePatch,
    principal: SignedIn,
    context: Context,
) -> ServiceOut:
    """Change parts of a service."""
    if body.base_url is not None:
        await _refuse_new_address(
            context, principal.tenant_id, service_id, body.base_url
        )
    return await _change(
        context,
        principal.tenant_id,
        service_id,
        lambda old, headers: _apply(old, headers, body),
    )


@router.delete("/{service_id}/", status_code=204)
async def delete_service(
    service_id: ServiceId, principal: SignedIn, context: Context
) -> Response:
    """Delete a service and all its results."""
    old = await _fetch_or_404(context, principal.tenant_id, service_id)
    if old.origin is not Origin.USER:
        message = "enabled: the runtime created this service; switch it off instead"
        raise InvalidValueError(message)
    if not await services.delete_service(context.pool, principal.tenant_id, old.id):
        raise NotFoundError
    return Response(status_code=204)


@router.post("/{service_id}/check/")
async def check_service(
    service_id: ServiceId, principal: SignedIn, context: Context
) -> ResultOut:
    """Check now; answers when the result is stored. Every ten seconds at most."""
    tenant_id, now = principal.tenant_id, context.clock.now()
    service = await _fetch_or_404(context, tenant_id, service_id)
    if not await services.claim_check(
        context.pool, tenant_id, service.id, now, CHECK_PAUSE
    ):
        raise TooManyRequestsError(TOO_SOON, CHECK_PAUSE)
    return ResultOut.model_validate(await context.monitor.check_now(service.id))


@router.get("/{service_id}/stats/")
async def show_stats(
    service_id: ServiceId,
    principal: SignedIn,
    context: Context,
    period: Annotated[Period, Query(description="How far back.")] = Period.DAY,
) -> StatsOut:
    """Show uptime and latencies: of a day by hours, of a week or a month by days."""
    service = await _fetch_or_404(context, principal.tenant_id, service_id)
    unit, span = PERIODS[period]
    since = context.clock.now() - span
    windows = await fetch_windows(context.pool, principal.tenant_id, service.id)
    rollups = await fetch_service_rollups(
        context.pool, principal.tenant_id, service.id, unit, since - timedelta(hours=1)
    )
    return StatsOut(
        windows={
            name: schemas.FiguresOut.model_validate(figures)
            for name, figures in windows.items()
        },
        unit=unit,
        points=[_render_point(row) for row in rollups],
    )


async def _fetch_or_404(
    context: WebDependencies, tenant_id: TenantId, service_id: ServiceId
) -> Service:
    service = await services.fetch_service(context.pool, tenant_id, service_id)
    if service is None:
        raise NotFoundError
    return service


async def _change(
    context: WebDependencies,
    tenant_id: TenantId,
    service_id: ServiceId,
    build: Callable[[Service, dict[str, str]], ServiceSpec],
) -> ServiceOut:
    """Build a locked service's new fields from it and its headers, and store them."""
    async with context.pool.acquire() as connection, connection.transaction():
        old = await services.lock_service(connection, tenant_id, service_id)
        if old is None:
            raise NotFoundError
        spec = _keep_own(old, build(old, _read_headers(context, old)))
        service = await services.replace_service(connection, context.cipher, old, spec)
    return await _show(context, service)


def _apply(
    old: Service, headers: dict[str, str], body: schemas.ServicePatch
) -> ServiceSpec:
    # Null is a value of these two; other fields change only if they are sent.
    nullable = {"body", "degraded_after_ms"}
    changes = {
        name: getattr(body, name)
        for name in body.model_fields_set
        if name in nullable or getattr(body, name) is not None
    }
    kept = _keep_headers(old, body.base_url or old.base_url, headers)
    if body.headers is not None:
        changes["headers"] = _merge(body.headers, kept)
    elif kept != headers:
        raise InvalidValueError(WRITE_HEADERS)
    if body.expected_status is not None:
        changes["expected_status"] = tuple(body.expected_status)
    if body.conditions is not None:
        changes["conditions"] = tuple(one.model_dump() for one in body.conditions)
    return replace(services.build_spec(old, headers), **changes)


def _keep_headers(
    old: Service, base_url: str, headers: dict[str, str]
) -> dict[str, str]:
    """Return the stored headers that a service keeps at a new address.

    Nobody can read them here, so nobody may have them sent to a server of his choice.
    """
    if old.origin is not Origin.USER:
        return headers  # Its address stays, whatever the request says.
    try:
        is_same = split_origin(old.base_url) == split_origin(base_url)
    except ValueError:
        # An older release accepted an address that can't be read.
        is_same = False
    return headers if is_same else {}


async def _refuse_new_address(
    context: WebDependencies, tenant_id: TenantId, service_id: ServiceId, base_url: str
) -> None:
    """Refuse another address; what is stored may be edited though it is walled now."""
    old = await _fetch_or_404(context, tenant_id, service_id)
    if old.origin is Origin.USER and old.base_url != base_url:
        await _refuse_walled(context, base_url)


async def _refuse_walled(context: WebDependencies, base_url: str) -> None:
    """Refuse an address that the checks would never reach. Raises InvalidValueError."""
    reason = await check_target(context.egress, base_url)
    if reason is not None:
        message = f"base_url: {reason}"
        raise InvalidValueError(message)


def _keep_own(old: Service, spec: ServiceSpec) -> ServiceSpec:
    """Keep name and address of a service that the runtime created and maintains."""
    if old.origin is Origin.USER:
        return spec
    return replace(
        spec, name=old.name, base_url=old.base_url, health_path=old.health_path
    )


def _merge(new: Mapping[str, str], old: Mapping[str, str]) -> dict[str, str]:
    """Keep the stored values of headers that came back hidden."""
    merged: dict[str, str] = {}
    for name, value in new.items():
        if not value.startswith(schemas.HIDDEN):
            merged[name] = value
        elif name in old and value == schemas.hide(old[name]):
            merged[name] = old[name]
        else:
            message = f"headers: write the whole value of {name}"
            raise InvalidValueError(message)
    return merged


def _read_headers(context: WebDependencies, service: Service) -> dict[str, str]:
    try:
        return services.decrypt_headers(context.cipher, service)
    except SecretUnreadableError:
        # The service must open, so that unreadable headers can be replaced.
        return {}


async def _show(context: WebDependencies, service: Service) -> ServiceOut:
    standing = await services.fetch_service_status(context.pool, service.id)
    return _render(context, service, standing)


def _render(
    context: WebDependencies, service: Service, standing: Standing
) -> ServiceOut:
    headers = _read_headers(context, service)
    return ServiceOut.model_validate(
        {
            **asdict(service),
            "headers": {name: schemas.hide(value) for name, value in headers.items()},
            "status": standing.status,
            "status_since": standing.since,
        }
    )


def _render_point(row: RollupRow) -> PointOut:
    counts = dict(zip(row.buckets, row.counts, strict=True))
    measured = sum(row.counts)
    return PointOut(
        starts_at=row.starts_at,
        checks=row.checks - row.excused,
        passed=row.passed,
        average_ms=row.latency_sum_ms / measured if measured else None,
        p50_ms=quantile(counts, 0.5),
        p95_ms=quantile(counts, 0.95),
    )
