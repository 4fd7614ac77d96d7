"""`/metrics`: the counters of all processes together, as Prometheus reads them."""

import asyncio
import os
from collections.abc import Callable

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

router = APIRouter(tags=["health"])


@router.get("/metrics", response_class=Response)
async def show_metrics() -> Response:
    """Add up the metrics of all processes."""
    # Reads one file per process: beside the event loop.
    text = await asyncio.to_thread(render_metrics)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


def render_metrics() -> bytes:
    """Render the metrics; of this process alone unless a common folder is set."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return generate_latest(REGISTRY)
    # A registry of its own for each reading, as the library asks for.
    registry = CollectorRegistry()
    collector: Callable[[CollectorRegistry], object] = MultiProcessCollector
    collector(registry)
    return generate_latest(registry)
