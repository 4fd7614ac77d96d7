"""How notices leave: one module per kind of route, and the table of them."""

from deployments.notices.ways import build_ways

__all__ = ["build_ways"]
