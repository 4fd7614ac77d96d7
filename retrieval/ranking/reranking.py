"""The interface of a reranker, which candidates it reads, and their new order."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Protocol

#: A first place that leads by so much of the fused scores' range was never wrong where
#: it was measured; with 0.4 one noisy question lost its right answer, see D-051.
SAFE_LEAD = 0.5
#: A cosine that another processor moves by 0.002 moves the lead by up to 0.03, as the
#: fused score stretches cosines that lie close to 0..1.
LEAD_MARGIN = 0.04
CERTAIN_LEAD = SAFE_LEAD + LEAD_MARGIN
#: Below this fused score no right passage was ever found that was not found above too.
#: Without a margin: it decides no more than whether one hopeless passage is read.
WORTH_READING = 0.2
#: The candidates of SPEC's second stage.
MAX_CANDIDATES = 20


@dataclass(frozen=True, slots=True)
class RerankResult:
    """The score of each passage for the query, in the order of the passages given.

    Higher is better. Scores are logits: a sigmoid makes them probabilities; scores of
    two models or two queries can't be compared.
    """

    scores: tuple[float, ...]
    #: The model that judged, by its value of the flag `rerank_model`.
    model: str


class Reranker(Protocol):
    """A model that reads a query and a passage together and scores their fit."""

    async def rerank(
        self, query: str, passages: Sequence[str], *, model: str
    ) -> RerankResult:
        """Score passages; `model` is a value of the flag `rerank_model`.

        Raises RerankerUnavailableError: then the fused order serves.
        """


class Standing(Protocol):
    """The standing of a candidate before reranking; a `Hit` has one."""

    @property
    def score(self) -> float:
        """Give the fused score, 0 to 1, higher is better."""

    @property
    def dense_rank(self) -> int | None:
        """Give the rank by meaning, from 1; None outside its top k."""

    @property
    def sparse_rank(self) -> int | None:
        """Give the rank by words, from 1; None outside its top k."""


def is_certain(ranked: Sequence[Standing], lead: float = CERTAIN_LEAD) -> bool:
    """Tell whether the first place needs no second opinion.

    A certain first place is first by meaning and by words, and leads the second by
    `lead` in the fused score. Reranking it would compute a second and change nothing.
    """
    if not ranked:
        return True
    first = ranked[0]
    if first.dense_rank != 1 or first.sparse_rank != 1:
        return False
    return len(ranked) == 1 or first.score - ranked[1].score >= lead


def count_worth_reading(
    ranked: Sequence[Standing], max_candidates: int = MAX_CANDIDATES
) -> int:
    """Return how many of the candidates, given best first, are worth a second opinion.

    0 where the first place is certain, or has no rival; else those whose fused score
    leaves them a chance. Reading costs time by length, so what can't win is not read.
    """
    if is_certain(ranked):
        return 0
    able = takewhile(
        lambda candidate: candidate.score >= WORTH_READING, ranked[:max_candidates]
    )
    n_able = sum(1 for _ in able)
    return n_able if n_able > 1 else 0


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
