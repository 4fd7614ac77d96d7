"""How good a ranking is, in numbers that can be checked by hand."""

from retrieval.evaluation.metrics import (
    hit_at_k,
    mean,
    reciprocal_rank,
)

__all__ = ["hit_at_k", "mean", "reciprocal_rank"]
