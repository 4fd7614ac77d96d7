"""How notices leave: one module per kind of route, and the table of them."""

from deployments.monitoring.notifiers.table import build_ways

__all__ = ["build_ways"]
