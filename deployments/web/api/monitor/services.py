"""`/api/monitor/services/`: the monitored services of a tenant."""

from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from actors.monitor.rollup_accumulator import quantile
from deployments.web.api.auth import SignedIn
from deployments.web.api.errors import InvalidValueError, NotFoundError
from deployments.web.api.monitor.schemas import (
    HIDDEN,
    ConditionOut,
    FiguresOut,
    ResultOut,
    ServiceIn,
    ServiceOut,
    ServicePatch,
    hide,
)
from deployments.web.api.schemas import Answer, Page, Paging
from deployments.web.dependencies import Context, WebDependencies
from persistence import services
from persistence.check_results import WindowFigures, fetch_windows
from persistence.errors import SecretUnreadableError
from persistence.ids import ServiceId, TenantId
from persistence.monitor import (
    CheckRow,
    Origin,
    Period,
    RollupRow,
    RollupUnit,
    Service,
    Status,
)
from persistence.rollups import PERIODS, fetch_service_rollups
from persistence.services import ServiceFilter, ServiceSpec, Standing

router = APIRouter(prefix="/api/monitor/services", tags=["monitor"])


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

    windows: dict[Period, FiguresOut]
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
        ServiceFilter(enabled, status),
        paging.limit,
        paging.offset,
    )
    return paging.build(count, (_render(context, *row) for row in rows))


@router.post("/", status_code=201)
async def create_service(
    body: ServiceIn, principal: SignedIn, context: Context
) -> ServiceOut:
    """Create a service; its first check starts at once."""
    spec = build_spec(body, {})
    service = await services.create_service(
        context.pool, context.cipher, principal.tenant_id, spec
    )
    return _render(context, service, Standing(Status.UNKNOWN, None))


@router.get("/{service_id}/")
async def show_service(
    service_id: UUID, principal: SignedIn, context: Context
) -> ServiceOut:
    """Show one service."""
    service = await fetch_or_404(context, principal.tenant_id, service_id)
    return await _show(context, service)


@router.put("/{service_id}/")
async def replace_service(
    service_id: UUID, body: ServiceIn, principal: SignedIn, context: Context
) -> ServiceOut:
    """Replace a service; its results stay."""
    async with context.pool.acquire() as connection, connection.transaction():
        old = await services.lock_service(
            connection, principal.tenant_id, ServiceId(service_id)
        )
        if old is None:
            raise NotFoundError
        spec = build_spec(body, _read_headers(context, old))
        service = await services.replace_service(
            connection, context.cipher, old, _keep_own(old, spec)
        )
    return await _show(context, service)


@router.patch("/{service_id}/")
async def edit_service(
    service_id: UUID, body: ServicePatch, principal: SignedIn, context: Context
) -> ServiceOut:
    """Change parts of a service."""
    async with context.pool.acquire() as connection, connection.transaction():
        old = await services.lock_service(
            connection, principal.tenant_id, ServiceId(service_id)
        )
        if old is None:
            raise NotFoundError
        spec = _keep_own(old, _apply(old, body, _read_headers(context, old)))
        service = await services.replace_service(connection, context.cipher, old, spec)
    return await _show(context, service)


@router.delete("/{service_id}/", status_code=204)
async def delete_service(
    service_id: UUID, principal: SignedIn, context: Context
) -> Response:
    """Delete a service and all its results."""
    old = await fetch_or_404(context, principal.tenant_id, service_id)
    if old.origin is not Origin.USER:
        message = "enabled: the runtime created this service; switch it off instead"
        raise InvalidValueError(message)
    if not await services.delete_service(context.pool, principal.tenant_id, old.id):
        raise NotFoundError
    return Response(status_code=204)


@router.post("/{service_id}/check/")
async def check_service(
    service_id: UUID, principal: SignedIn, context: Context
) -> ResultOut:
    """Check now; answers when the result is stored."""
    service = await fetch_or_404(context, principal.tenant_id, service_id)
    row = await context.monitor.check_now(service.id)
    return render_result(row)


@router.get("/{service_id}/stats/")
async def show_stats(
    service_id: UUID,
    principal: SignedIn,
    context: Context,
    period: Annotated[Period, Query(description="How far back.")] = Period.DAY,
) -> StatsOut:
    """Show uptime and latencies: of a day by hours, of a week or a month by days."""
    service = await fetch_or_404(context, principal.tenant_id, service_id)
    unit, span = PERIODS[period]
    since = context.clock.now() - span
    windows = await fetch_windows(context.pool, principal.tenant_id, service.id)
    rollups = await fetch_service_rollups(
        context.pool, principal.tenant_id, service.id, unit, since - timedelta(hours=1)
    )
    return StatsOut(
        windows={name: render_figures(figures) for name, figures in windows.items()},
        unit=unit,
        points=[_render_point(row) for row in rollups],
    )


async def fetch_or_404(
    context: WebDependencies, tenant_id: TenantId, service_id: UUID
) -> Service:
    """Fetch a service of the tenant. Raises NotFoundError."""
    service = await services.fetch_service(
        context.pool, tenant_id, ServiceId(service_id)
    )
    if service is None:
        raise NotFoundError
    return service


def build_spec(body: ServiceIn, old_headers: dict[str, str]) -> ServiceSpec:
    """Build the stored fields from a request."""
    values = {field.name: getattr(body, field.name) for field in fields(ServiceSpec)}
    values["headers"] = _merge(body.headers, old_headers)
    values["expected_status"] = tuple(body.expected_status)
    values["conditions"] = tuple(one.model_dump() for one in body.conditions)
    return ServiceSpec(**values)


def render_result(row: CheckRow) -> ResultOut:
    """Render a result."""
    return ResultOut(
        id=row.id,
        service=row.service_id,
        slot_at=row.slot_at,
        checked_at=row.checked_at,
        status_code=row.status_code,
        ok=row.ok,
        latency_ms=row.latency_ms,
        attempts=row.attempts,
        error=row.error,
        missed=row.missed,
        tls_expires_at=row.tls_expires_at,
        metadata=dict(row.metadata),
    )


def render_figures(figures: WindowFigures) -> FiguresOut:
    """Render the figures of a period."""
    return FiguresOut(
        checks=figures.checks,
        passed=figures.passed,
        uptime=figures.uptime,
        p50_ms=figures.p50_ms,
        p95_ms=figures.p95_ms,
        p99_ms=figures.p99_ms,
    )


def _apply(
    old: Service, body: ServicePatch, old_headers: dict[str, str]
) -> ServiceSpec:
    spec = ServiceSpec(
        **{
            field.name: getattr(old, field.name)
            for field in fields(ServiceSpec)
            if field.name != "headers"
        },
        headers=old_headers,
    )
    # Null is a value of these two; other fields change only if they are sent.
    nullable = {"body", "degraded_after_ms"}
    changes = {
        name: getattr(body, name)
        for name in body.model_fields_set
        if name in nullable or getattr(body, name) is not None
    }
    if body.headers is not None:
        changes["headers"] = _merge(body.headers, old_headers)
    if body.expected_status is not None:
        changes["expected_status"] = tuple(body.expected_status)
    if body.conditions is not None:
        changes["conditions"] = tuple(one.model_dump() for one in body.conditions)
    return replace(spec, **changes)


def _keep_own(old: Service, spec: ServiceSpec) -> ServiceSpec:
    """Keep name and address of a service that the runtime created and maintains."""
    if old.origin is Origin.USER:
        return spec
    return replace(
        spec, name=old.name, base_url=old.base_url, health_path=old.health_path
    )


def _merge(new: dict[str, str], old: dict[str, str]) -> dict[str, str]:
    """Keep the stored values of headers that came back hidden."""
    merged: dict[str, str] = {}
    for name, value in new.items():
        if not value.startswith(HIDDEN):
            merged[name] = value
        elif name in old and value == hide(old[name]):
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
    return ServiceOut(
        **{
            name: getattr(service, name)
            for name in ServiceOut.model_fields
            if name
            not in {
                "headers",
                "conditions",
                "expected_status",
                "status",
                "status_since",
            }
        },
        headers={name: hide(value) for name, value in headers.items()},
        expected_status=list(service.expected_status),
        conditions=[ConditionOut.model_validate(one) for one in service.conditions],
        status=standing.status,
        status_since=standing.since,
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
