"""`/api/monitor/maintenance/`: windows in which failures count for nothing."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import StringConstraints

from deployments.web.api.auth import SignedIn
from deployments.web.api.errors import InvalidValueError, NotFoundError
from deployments.web.api.monitor.results import Instant
from deployments.web.api.schemas import Answer, NoNul, Page, Paging, RequestBody
from deployments.web.dependencies import Context
from persistence import maintenance
from persistence.ids import ServiceId, WindowId
from persistence.monitor import WindowRow

router = APIRouter(prefix="/api/monitor/maintenance", tags=["monitor"])


class WindowIn(RequestBody):
    """A maintenance window; without a service it covers all of them."""

    service: UUID | None = None
    starts_at: Instant
    ends_at: Instant
    reason: Annotated[str, StringConstraints(max_length=500), NoNul] = ""


class WindowOut(Answer):
    """A maintenance window of a service, or of all services."""

    id: UUID
    service: UUID | None
    starts_at: datetime
    ends_at: datetime
    reason: str
    created_at: datetime


@router.get("/")
async def list_windows(
    principal: SignedIn,
    context: Context,
    paging: Paging,
    service: UUID | None = None,
) -> Page[WindowOut]:
    """List windows, those that end last first."""
    count, rows = await maintenance.fetch_windows_page(
        context.pool,
        principal.tenant_id,
        None if service is None else ServiceId(service),
        paging.limit,
        paging.offset,
    )
    return paging.build(count, map(_render, rows))


@router.post("/", status_code=201)
async def create_window(
    body: WindowIn, principal: SignedIn, context: Context
) -> WindowOut:
    """Create a window; if it has begun already, it counts from the next check on."""
    if body.starts_at >= body.ends_at:
        message = "ends_at: must be later than starts_at"
        raise InvalidValueError(message)
    row = await maintenance.create_window(
        context.pool,
        principal.tenant_id,
        None if body.service is None else ServiceId(body.service),
        (body.starts_at, body.ends_at),
        body.reason,
    )
    if row is None:
        message = "service: there is no such service"
        raise InvalidValueError(message)
    return _render(row)


@router.delete("/{window_id}/", status_code=204)
async def delete_window(
    window_id: UUID, principal: SignedIn, context: Context
) -> Response:
    """Delete a window, which also ends it."""
    if not await maintenance.delete_window(
        context.pool, principal.tenant_id, WindowId(window_id)
    ):
        raise NotFoundError
    return Response(status_code=204)


def _render(row: WindowRow) -> WindowOut:
    return WindowOut(
        id=row.id,
        service=row.service_id,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        reason=row.reason,
        created_at=row.created_at,
    )
