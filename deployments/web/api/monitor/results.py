"""`/api/monitor/results/`, `/transitions/` and `/health/summary/`."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Response
from pydantic import AliasChoices, Field

from deployments.web.api.auth import SignedIn
from deployments.web.api.errors import NotFoundError
from deployments.web.api.monitor.schemas import (
    FiguresOut,
    Instant,
    ResultOut,
    ServiceRef,
)
from deployments.web.api.schemas import Answer, Page, Paging
from deployments.web.dependencies import Context
from persistence import check_results
from persistence.check_results import LatestDigest, SummaryRow
from persistence.ids import ResultId, ServiceId
from persistence.monitor import Origin, Period, Status

router = APIRouter(prefix="/api/monitor", tags=["monitor"])


class TransitionOut(Answer):
    """A transition of a service's status, and the result that caused it."""

    id: UUID
    service: ServiceRef
    at: datetime
    old: Status
    new: Status
    reason: str
    result: Annotated[
        UUID | None, Field(validation_alias=AliasChoices("result", "result_id"))
    ]


class LatestCheckOut(Answer):
    """The last result."""

    status_code: int | None
    ok: bool
    latency_ms: float | None
    error: str | None
    checked_at: datetime


class GlobalDigestOut(Answer):
    """The latest overall digest."""

    summary_text: str
    anomaly_count: int


class ServiceDigestOut(GlobalDigestOut):
    """The latest digest of a service."""

    period_start: datetime


class ServiceSummaryOut(Answer):
    """A service at a glance; nulls where there is nothing yet."""

    service_id: UUID
    service_name: str
    enabled: bool
    origin: Origin
    status: Status
    status_since: datetime | None
    tls_expires_at: datetime | None
    latest_check: LatestCheckOut | None
    latest_digest: ServiceDigestOut | None
    windows: dict[Period, FiguresOut]


class SummaryOut(Answer):
    """All services at a glance."""

    services: list[ServiceSummaryOut]
    global_digest: GlobalDigestOut | None
    generated_at: datetime


@router.get("/results/")
async def list_results(
    principal: SignedIn,
    context: Context,
    paging: Paging,
    service: ServiceId | None = None,
    since: Instant | None = None,
    until: Instant | None = None,
    ok: bool | None = None,
) -> Page[ResultOut]:
    """List results, the newest first."""
    found = await check_results.fetch_results_page(
        context.pool,
        principal.tenant_id,
        paging.window(),
        service_id=service,
        since=since,
        until=until,
        ok=ok,
    )
    return paging.build_found(found, map(ResultOut.model_validate, found.rows))


@router.get("/results/{result_id}/")
async def show_result(
    result_id: ResultId, principal: SignedIn, context: Context
) -> ResultOut:
    """Show one result."""
    row = await check_results.fetch_result(context.pool, principal.tenant_id, result_id)
    if row is None:
        raise NotFoundError
    return ResultOut.model_validate(row)


@router.get("/transitions/")
async def list_transitions(
    principal: SignedIn,
    context: Context,
    paging: Paging,
    service: ServiceId | None = None,
) -> Page[TransitionOut]:
    """List transitions of status, the newest first."""
    count, rows = await check_results.fetch_transitions_page(
        context.pool,
        principal.tenant_id,
        service,
        paging.limit,
        paging.offset,
    )
    return paging.build(count, map(TransitionOut.model_validate, rows))


@router.get("/health/summary/", response_model=SummaryOut)
async def show_summary(principal: SignedIn, context: Context) -> Response:
    """Show the current state of all services, with their latest digests."""
    rows = await check_results.fetch_summary(context.pool, principal.tenant_id)
    digest = await check_results.fetch_global_digest(context.pool, principal.tenant_id)
    body = render_summary(rows, digest, context.clock.now())
    return Response(body, media_type="application/json")


def render_summary(
    rows: Iterable[SummaryRow], digest: LatestDigest | None, now: datetime
) -> bytes:
    """Render what `SummaryOut` describes.

    Written out, because a model for each part of a thousand services takes ten times as
    long as all the rest. A test reads it through the models.
    """
    summary = {
        "services": [_render(row) for row in rows],
        "global_digest": None
        if digest is None
        else {
            "summary_text": digest.summary_text,
            "anomaly_count": digest.anomaly_count,
        },
        "generated_at": now,
    }
    return orjson.dumps(summary, option=orjson.OPT_UTC_Z)


def _render(row: SummaryRow) -> dict[str, object]:
    latest, digest = row.latest, row.digest
    return {
        "service_id": row.id,
        "service_name": row.name,
        "enabled": row.enabled,
        "origin": row.origin,
        "status": row.status,
        "status_since": row.since,
        "tls_expires_at": row.tls_expires_at,
        "latest_check": None if latest is None else latest._asdict(),
        "latest_digest": None if digest is None else digest._asdict(),
        "windows": orjson.Fragment(row.windows or "{}"),
    }
