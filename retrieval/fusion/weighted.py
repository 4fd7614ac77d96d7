"""Weighted sum of min-max normalised scores."""

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def weighted_min_max(
    arms: Sequence[tuple[float, Mapping[Key, float]]],
) -> dict[Key, float]:
    """Fuse (weight, scores) pairs; returns scores in 0..1, best first.

    Each arm's scores are stretched to 0..1 over this query's candidates, then summed by
    weight; a candidate that an arm has no score for gets nothing from it. An arm whose
    scores are all equal tells candidates apart in no way and adds nothing. Weights are
    divided by their sum. By hand: 0.6 * (0.9 - 0.8) / (0.9 - 0.8) + 0.4 * (2 - 1) /
    (5 - 1) = 0.7.

    Source: Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid
    Retrieval", TOIS 2023, eq. 2 (convex combination).
    """
    fused: dict[Key, float] = dict.fromkeys(
        (key for _, arm in arms for key in arm), 0.0
    )
    total = sum(weight for weight, _ in arms)
    for weight, arm in arms:
        low, high = min(arm.values(), default=0.0), max(arm.values(), default=0.0)
        if high <= low:
            continue
        for key, score in arm.items():
            fused[key] += weight / total * (score - low) / (high - low)
    return dict(sorted(fused.items(), key=lambda item: -item[1]))
