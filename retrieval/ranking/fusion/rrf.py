"""Reciprocal rank fusion."""

from collections.abc import Hashable, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def rrf(rankings: Sequence[Sequence[Key]], k: int = 60) -> dict[Key, float]:
    """Fuse rankings by position alone; returns scores, best first, ties as first seen.

    RRFscore(d) = sum over rankings r of 1 / (k + r(d)), with r(d) counted from 1. By
    hand: first in one ranking and third in another is 1/61 + 1/63 = 0.03227.

    Source: Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet
    and individual Rank Learning Methods", SIGIR 2009, with their k = 60.
    """
    scores: dict[Key, float] = {}
    for ranking in rankings:
        for rank, key in enumerate(ranking, start=1):
            scores[key] = scores.get(key, 0.0) + 1 / (k + rank)
    return dict(sorted(scores.items(), key=lambda item: -item[1]))
