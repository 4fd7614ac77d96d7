"""What one arm of a search has found, and the arithmetic on its scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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


def pool(
    scores: Mapping[int, float], members: Mapping[int, Sequence[int]]
) -> dict[int, float]:
    """Score each unit by the best of its members that has a score."""
    pooled = {
        unit: max((scores[key] for key in keys if key in scores), default=None)
        for unit, keys in members.items()
    }
    return {unit: score for unit, score in pooled.items() if score is not None}


def find_largest(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Order the places of the k largest scores above 0, the earlier of equals first."""
    if k < 1:
        return np.empty(0, dtype=np.int64)
    cut = np.float32(0)
    if k < len(scores):
        cut = np.partition(scores, len(scores) - k)[len(scores) - k]
    (places,) = np.nonzero(scores >= cut if cut > 0 else scores > 0)
    return places[np.argsort(-scores[places], kind="stable")[:k]]
