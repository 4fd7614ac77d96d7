"""Two rankings into one."""

from retrieval.ranking.fusion.oov_penalty import doubt_meaning
from retrieval.ranking.fusion.rrf import rrf
from retrieval.ranking.fusion.weighted import weighted_min_max

__all__ = ["doubt_meaning", "rrf", "weighted_min_max"]
