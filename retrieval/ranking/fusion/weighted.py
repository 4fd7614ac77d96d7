"""Weighted sum of min-max normalised scores."""

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def weighted_min_max(
    arms: Sequence[tuple[float, Mapping[Key, float]]],
) -> dict[Key, float]:
    """Fuse (weight, scores) pairs; returns scores in 0..1, best first.

    Each arm's scores are stretched to 0..1 over this query's candidates and averaged by
    weight. A candidate that an arm could not score is judged by the other arms alone.
    Where an arm scores all alike, there is nothing to stretch: 1, or 0 for scores of 0.
    By hand: 0.6 * (0.85 - 0.8) / (0.9 - 0.8) + 0.4 * (2 - 1) / (5 - 1) = 0.4.

    Source: Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid
    Retrieval", ACM TOIS 2023, the convex combination with min-max scaling.
    """
    sums: dict[Key, float] = {}
    weights: dict[Key, float] = {}
    for weight, scores in arms:
        if not scores:
            continue
        low, high = min(scores.values()), max(scores.values())
        for key, score in scores.items():
            stretched = (score - low) / (high - low) if high > low else float(high > 0)
            sums[key] = sums.get(key, 0.0) + weight * stretched
            weights[key] = weights.get(key, 0.0) + weight
    fused = {key: total / weights[key] for key, total in sums.items()}
    return dict(sorted(fused.items(), key=lambda item: -item[1]))
