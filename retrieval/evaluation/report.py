"""What an evaluation says of a pipeline, question by question and on average."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from retrieval.evaluation.labelled import LabelledQuestion
from retrieval.evaluation.metrics import (
    hit_at_k,
    mean,
    ndcg_at_k,
    percentile,
    reciprocal_rank,
)


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
        answerable = [one for one in self.results if one.question.is_answerable]
        others = [one for one in self.results if not one.question.is_answerable]
        times = [one.elapsed_ms for one in self.results]
        figures: dict[str, float] = {
            **{f"hit@{k}": mean(one.hit(k) for one in answerable) for k in (1, 8, 20)},
            "mrr@10": mean(one.mrr_10 for one in answerable),
            "ndcg@10": mean(one.ndcg_10 for one in answerable),
            "queries": len(self.results),
            "passages": self.n_passages,
            "p50_ms": percentile(times, 0.5),
            "p99_ms": percentile(times, 0.99),
        }
        if others:
            figures["false_answers"] = mean(one.ranking.is_answered for one in others)
            figures["false_refusals"] = mean(
                not one.ranking.is_answered for one in answerable
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
