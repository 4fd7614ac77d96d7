"""What one arm of a search has found, and the arithmetic on its scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.ranking.fusion import weighted_min_max


@dataclass(frozen=True, slots=True)
class ArmScores:
    """An arm's scores by key: those that rank, and those of the question as it was."""

    ranking: dict[int, float]
    shown: dict[int, float]


@dataclass(frozen=True, slots=True)
class ArmFound:
    """An arm's best units, and a way to ask for its score of any chunks."""

    ranking: list[int]
    score: Callable[[Sequence[int]], ArmScores]


NOTHING_FOUND = ArmFound([], lambda _: ArmScores({}, {}))


def centre(
    query: NDArray[np.float32], sums: Sequence[NDArray[np.float64]], share: float
) -> NDArray[np.float32]:
    """Take a share of what all vectors have in common off a question's.

    By hand: half of the direction (0, 1) off (0.6, 0.8) is (0.6, 0.3).
    """
    total = np.sum(sums, axis=0)
    length = float(np.linalg.norm(total))
    # None are there, or they are another model's: the search itself will tell.
    if not share or not length or query.shape != total.shape:
        return query
    centred: NDArray[np.float32] = query - np.float32(share / length) * total
    return centred.astype(np.float32)


def pool(
    scores: Mapping[int, float], members: Mapping[int, Sequence[int]]
) -> dict[int, float]:
    """Score each unit by the best of its members that has a score."""
    pooled = {
        unit: max((scores[key] for key in keys if key in scores), default=None)
        for unit, keys in members.items()
    }
    return {unit: score for unit, score in pooled.items() if score is not None}


def weigh_arms(
    dense_weight: float,
    cosines: Mapping[int, float],
    bm25: Mapping[int, float],
    foreign: Sequence[int],
) -> dict[int, float]:
    """Sum both arms' scores by weight; `foreign` chunks are of another language.

    "return policy" shares no word with a Persian page on returns, which says nothing
    against the page; a code or a brand in both still speaks for it.
    """
    weighted = weighted_min_max([(dense_weight, cosines), (1 - dense_weight, bm25)])
    by_meaning = weighted_min_max([(dense_weight, cosines)]) if foreign else {}
    for key in foreign:
        weighted[key] = max(weighted[key], by_meaning[key])
    return weighted


def find_largest(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Order the places of the k largest scores above 0, the earlier of equals first."""
    if k < 1:
        return np.empty(0, dtype=np.int64)
    cut = np.float32(0)
    if k < len(scores):
        cut = np.partition(scores, len(scores) - k)[len(scores) - k]
    (places,) = np.nonzero(scores >= cut if cut > 0 else scores > 0)
    return places[np.argsort(-scores[places], kind="stable")[:k]]
