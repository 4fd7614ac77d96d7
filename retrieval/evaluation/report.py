"""The report of an evaluation, question by question and on average."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from retrieval.evaluation.labelled import LabelledQuestion
from retrieval.evaluation.metrics import hit_at_k, mean, ndcg_at_k, reciprocal_rank


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
