"""The measures of a ranking, and the report of an evaluation by all of them."""

import math
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from retrieval.evaluation.labelled import LabelledQuestion


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


class Pipeline(StrEnum):
    """The pipelines that can be evaluated."""

    PRODUCTION_RAG = "production_rag"
    CONTEXT_RETRIEVER = "context_retriever"
    DENSE = "dense"
    SPARSE = "sparse"


@dataclass(frozen=True, slots=True)
class Ranking:
    """A pipeline's answer to one question: passages' ids, best first."""

    ids: tuple[str, ...]
    is_answered: bool
    """Whether the pipeline is sure enough to answer from what it found."""


@dataclass(frozen=True, slots=True)
class QuestionResult:
    """One question's measures."""

    question: LabelledQuestion
    ranking: Ranking
    elapsed_ms: float

    def hit(self, k: int) -> float:
        """Tell whether a right passage is among the first k: 1 or 0."""
        return hit_at_k(self.ranking.ids, self.question.relevant, k)

    @property
    def mrr_10(self) -> float:
        """Reciprocal rank of the first right passage among ten."""
        return reciprocal_rank(self.ranking.ids, self.question.relevant, 10)

    @property
    def ndcg_10(self) -> float:
        """Discounted gain of the first ten."""
        return ndcg_at_k(self.ranking.ids, self.question.relevant, 10)


@dataclass(frozen=True, slots=True)
class Report:
    """All questions' results."""

    results: tuple[QuestionResult, ...]
    n_passages: int

    def figures(self) -> dict[str, float]:
        """Average the measures over the questions that have an answer.

        `false_answers` is the share of unanswerable questions that would be answered,
        `false_refusals` that of answerable ones that would not: both are there if any
        question is unanswerable.
        """
        answerable = [row for row in self.results if row.question.is_answerable]
        others = [row for row in self.results if not row.question.is_answerable]
        times = [row.elapsed_ms for row in self.results] or [0.0]
        p50, p99 = np.quantile(times, (0.5, 0.99), method="inverted_cdf").tolist()
        figures: dict[str, float] = {
            **{f"hit@{k}": mean(row.hit(k) for row in answerable) for k in (1, 8, 20)},
            "mrr@10": mean(row.mrr_10 for row in answerable),
            "ndcg@10": mean(row.ndcg_10 for row in answerable),
            "queries": len(self.results),
            "passages": self.n_passages,
            "p50_ms": p50,
            "p99_ms": p99,
        }
        if others:
            figures["false_answers"] = mean(row.ranking.is_answered for row in others)
            figures["false_refusals"] = mean(
                not row.ranking.is_answered for row in answerable
            )
        return figures


def run_questions(
    rank: Callable[[LabelledQuestion], Ranking],
    questions: Sequence[LabelledQuestion],
    timer: Callable[[], float],
) -> Iterator[QuestionResult]:
    """Ask one question after the other; `timer` reads a clock in seconds."""
    for question in questions:
        started = timer()
        ranking = rank(question)
        yield QuestionResult(question, ranking, 1000 * (timer() - started))
