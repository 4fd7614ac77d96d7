"""Measures of one ranking against the set of right answers."""

import math
from collections.abc import Collection, Hashable, Iterable, Sequence


def hit_at_k(
    ranking: Sequence[Hashable], relevant: Collection[Hashable], k: int
) -> float:
    """Tell whether any right answer is among the first k: 1 or 0."""
    return float(any(key in relevant for key in ranking[:k]))


def reciprocal_rank(
    ranking: Sequence[Hashable], relevant: Collection[Hashable], k: int = 10
) -> float:
    """Divide 1 by the rank of the first right answer; 0 when it is not in the first k.

    By hand: first right answer in third place, 1/3. Its mean over questions is MRR@k
    (Voorhees, "The TREC-8 Question Answering Track Report", 1999).
    """
    for rank, key in enumerate(ranking[:k], start=1):
        if key in relevant:
            return 1 / rank
    return 0.0


def ndcg_at_k(
    ranking: Sequence[Hashable], relevant: Collection[Hashable], k: int = 10
) -> float:
    """Compare the gain of the first k with that of the best order there could be.

    DCG@k = sum over ranks i of rel(i) / log2(i + 1), with rel 1 for a right answer. By
    hand: two right answers, in first and third place: (1 + 1/2) / (1 + 1/log2(3)) =
    0.9197. A ranking that names an answer twice gains by it once.

    Source: Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques",
    ACM TOIS 2002.
    """
    left = set(relevant)
    gain = 0.0
    for rank, key in enumerate(ranking[:k], start=1):
        if key in left:
            left.discard(key)
            gain += 1 / math.log2(rank + 1)
    ideal = sum(1 / math.log2(i + 1) for i in range(1, min(len(set(relevant)), k) + 1))
    return gain / ideal if ideal else 0.0


def mean(values: Iterable[float]) -> float:
    """Average measures over questions; 0 for none."""
    collected = list(values)
    return sum(collected) / len(collected) if collected else 0.0
