"""Two rankings into one."""

from retrieval.fusion.rrf import rrf
from retrieval.fusion.weighted import weighted_min_max

__all__ = ["rrf", "weighted_min_max"]
