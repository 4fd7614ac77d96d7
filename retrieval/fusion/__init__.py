"""Two rankings into one."""

from retrieval.fusion.doubt import doubt_meaning
from retrieval.fusion.rrf import rrf
from retrieval.fusion.weighted import weighted_min_max

__all__ = ["doubt_meaning", "rrf", "weighted_min_max"]
