"""`/healthz`, `/readyz` and `/metrics`: health and counters of the runtime."""

import asyncio

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from deployments.health.exposition import render_metrics
from deployments.health.probes import PartStatus, check_parts, is_ready
from deployments.web.api.schemas import Answer
from deployments.web.dependencies import Context

router = APIRouter(tags=["health"])


class LifeOut(Answer):
    """The process is alive."""

    status: PartStatus


class PartOut(Answer):
    """The health of a part."""

    status: PartStatus
    reason: str


@router.get("/healthz")
async def show_life() -> LifeOut:
    """Answer while the process is alive."""
    return LifeOut(status=PartStatus.OK)


@router.get(
    "/readyz",
    response_model=dict[str, PartOut],
    responses={503: {"model": dict[str, PartOut]}},
)
async def show_parts(context: Context) -> JSONResponse:
    """Show the health of each part; 503 when messages can't be taken."""
    parts = await check_parts(context.probes)
    content = {
        name: {"status": health.status, "reason": health.reason}
        for name, health in parts.items()
    }
    return JSONResponse(content, 200 if is_ready(parts) else 503)


@router.get("/metrics", response_class=Response)
async def show_metrics() -> Response:
    """Show the metrics of all processes together."""
    # Reads a file per process: not on the event loop.
    text = await asyncio.to_thread(render_metrics)
    return Response(text, media_type=CONTENT_TYPE_LATEST)
