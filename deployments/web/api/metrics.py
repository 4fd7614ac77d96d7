"""`/metrics`: the counters of all processes together, as Prometheus reads them."""

import asyncio

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from deployments.health.exposition import render_metrics

router = APIRouter(tags=["health"])


@router.get("/metrics", response_class=Response)
async def show_metrics() -> Response:
    """Add up the metrics of all processes."""
    # Reads one file per process: beside the event loop.
    text = await asyncio.to_thread(render_metrics)
    return Response(text, media_type=CONTENT_TYPE_LATEST)
