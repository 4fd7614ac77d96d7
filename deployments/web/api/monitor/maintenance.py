"""`/api/monitor/maintenance/`: windows in which failures count for nothing."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import StringConstraints

from deployments.web.api.auth import SignedIn
from deployments.web.api.errors import InvalidValueError, NotFoundError
from deployments.web.api.monitor.schemas import Instant, OptionalServiceRef
from deployments.web.api.schemas import Answer, NoNul, Page, Paging, RequestBody
from deployments.web.dependencies import Context
from persistence import services
from persistence.ids import ServiceId, WindowId

router = APIRouter(prefix="/api/monitor/maintenance", tags=["monitor"])


class WindowIn(RequestBody):
    """A maintenance window; without a service it covers all of them."""

    service: ServiceId | None = None
    starts_at: Instant
    ends_at: Instant
    reason: Annotated[str, StringConstraints(max_length=500), NoNul] = ""


class WindowOut(Answer):
    """A maintenance window of a service, or of all services."""

    id: UUID
    service: OptionalServiceRef
    starts_at: datetime
    ends_at: datetime
    reason: str
    created_at: datetime


@router.get("/")
async def list_windows(
    principal: SignedIn,
    context: Context,
    paging: Paging,
    service: ServiceId | None = None,
) -> Page[WindowOut]:
    """List windows, those that end last first."""
    count, rows = await services.fetch_windows_page(
        context.pool,
        principal.tenant_id,
        service,
        paging.limit,
        paging.offset,
    )
    return paging.build(count, map(WindowOut.model_validate, rows))


@router.post("/", status_code=201)
async def create_window(
    body: WindowIn, principal: SignedIn, context: Context
) -> WindowOut:
    """Create a window; if it has begun already, it counts from the next check on."""
    if body.starts_at >= body.ends_at:
        message = "ends_at: must be later than starts_at"
        raise InvalidValueError(message)
    row = await services.create_window(
        context.pool,
        principal.tenant_id,
        body.service,
        (body.starts_at, body.ends_at),
        body.reason,
    )
    if row is None:
        message = "service: there is no such service"
        raise InvalidValueError(message)
    return WindowOut.model_validate(row)


@router.delete("/{window_id}/", status_code=204)
async def delete_window(
    window_id: WindowId, principal: SignedIn, context: Context
) -> Response:
    """Delete a window, which also ends it."""
    if not await services.delete_window(context.pool, principal.tenant_id, window_id):
        raise NotFoundError
    return Response(status_code=204)
