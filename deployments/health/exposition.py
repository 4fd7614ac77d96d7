"""Metrics of all processes together, in the text format of Prometheus."""

import os
from collections.abc import Callable
from pathlib import Path

import psutil
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector


def collect_metrics() -> CollectorRegistry:
    """Read the metrics; of this process alone unless a common folder is set."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if not folder:
        return REGISTRY
    delete_dead_gauges(Path(folder))
    # A registry of its own for each reading, as the library asks for.
    registry = CollectorRegistry()
    collector: Callable[[CollectorRegistry], object] = MultiProcessCollector
    collector(registry)
    return registry


def render_metrics() -> bytes:
    """Render the metrics as Prometheus reads them."""
    return generate_latest(collect_metrics())


def delete_dead_gauges(folder: Path) -> None:
    """Delete the live gauges of processes that have ended; the library never does.

    Their counters stay: only a gauge of the present ends with its process.
    """
    for path in folder.glob("gauge_live*_*.db"):
        pid = path.stem.rpartition("_")[2]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            path.unlink(missing_ok=True)
