"""Measures of one ranking against the set of right answers."""

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


def mean(values: Iterable[float]) -> float:
    """Average measures over questions; 0 for none."""
    collected = list(values)
    return sum(collected) / len(collected) if collected else 0.0
