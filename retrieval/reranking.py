"""What a reranker promises, and the arithmetic around it: whom to ask, what follows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

#: A first place that leads by so much of the fused scores' range was right in 99 % of
#: the questions tried, noisy ones included; see D-051.
CERTAIN_LEAD = 0.35


@dataclass(frozen=True, slots=True)
class RerankResult:
    """How well each passage answers the query, in the order of the passages given.

    Higher is better. Scores are logits: a sigmoid makes them probabilities; scores of
    two models or two queries can't be compared.
    """

    scores: tuple[float, ...]
    #: The model that judged, by the name or folder that the settings give it.
    model: str


class Reranker(Protocol):
    """Reads a query and a passage together and judges how well they fit."""

    async def rerank(
        self, query: str, passages: Sequence[str], *, model: str
    ) -> RerankResult:
        """Score passages; `model` is a value of the flag `rerank_model`.

        Raises RerankerUnavailableError: then the fused order serves.
        """


class Standing(Protocol):
    """How a candidate stood before reranking; a `Hit` is one."""

    @property
    def score(self) -> float:
        """Give the fused score, 0 to 1, higher is better."""

    @property
    def dense_rank(self) -> int | None:
        """Give the place in the dense arm, from 1; None outside its top k."""

    @property
    def sparse_rank(self) -> int | None:
        """Give the place in the sparse arm, from 1; None outside its top k."""


def is_certain(ranked: Sequence[Standing], lead: float = CERTAIN_LEAD) -> bool:
    """Tell whether the first place needs no second opinion.

    It is first by meaning and by words, and leads the second by `lead` in the fused
    score. What is certain is not reranked: a second of computing changes nothing.
    """
    if not ranked:
        return True
    first = ranked[0]
    if first.dense_rank != 1 or first.sparse_rank != 1:
        return False
    return len(ranked) == 1 or first.score - ranked[1].score >= lead


def order_by(scores: Sequence[float], n_candidates: int) -> list[int]:
    """Order candidates, given best first, by the scores of the first of them.

    Returns every place once: the scored ones, best first and ties as they were, then
    those that nobody scored. A score that is no number counts as the worst.
    By hand: order_by([0.1, 0.9], 3) == [1, 0, 2].
    """
    n_scored = min(len(scores), n_candidates)
    sortable = [-math.inf if math.isnan(score) else score for score in scores]
    reranked = sorted(range(n_scored), key=lambda place: -sortable[place])
    return [*reranked, *range(n_scored, n_candidates)]
