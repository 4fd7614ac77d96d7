"""Measures of a ranking and averages of an evaluation, by hand."""

from itertools import count

import pytest

from retrieval.evaluation.labelled import LabelledQuestion
from retrieval.evaluation.report import (
    Ranking,
    Report,
    hit_at_k,
    mean,
    ndcg_at_k,
    reciprocal_rank,
    run_questions,
)

SHIPPING = LabelledQuestion("q1", "هزینه ارسال", frozenset("a"))
RETURNS = LabelledQuestion("q2", "پس دادن", frozenset("b"))
WEATHER = LabelledQuestion("q3", "هوا", frozenset())
RANKINGS = {
    "q1": Ranking(("a", "b"), is_answered=True),
    "q2": Ranking(("a", "b"), is_answered=False),
    "q3": Ranking(("a",), is_answered=True),
}


def report(*questions: LabelledQuestion) -> Report:
    ticks = count()
    results = run_questions(
        lambda question: RANKINGS[question.id], questions, lambda: next(ticks) / 1000
    )
    return Report(tuple(results), n_passages=2)


def test_the_figures_have_the_documented_names_and_no_others() -> None:
    assert report(SHIPPING, RETURNS).figures() == pytest.approx(
        {
            "hit@1": 1 / 2,
            "hit@8": 1.0,
            "hit@20": 1.0,
            "mrr@10": (1 + 1 / 2) / 2,
            "ndcg@10": (1 + 0.63093) / 2,
            "queries": 2,
            "passages": 2,
            "p50_ms": 1.0,
            "p99_ms": 1.0,
        },
        abs=1e-5,
    )


def test_refusals_are_measured_where_a_question_has_no_answer() -> None:
    figures = report(SHIPPING, RETURNS, WEATHER).figures()
    assert figures["false_answers"] == 1.0
    assert figures["false_refusals"] == 1 / 2
    # Who can't be answered does not count among those that were not found.
    assert figures["hit@8"] == 1.0
    assert figures["queries"] == 3


def test_a_hit_is_any_right_answer_among_the_first_k() -> None:
    ranking, relevant = ["a", "b", "c"], {"c", "x"}
    assert hit_at_k(ranking, relevant, 2) == 0.0
    assert hit_at_k(ranking, relevant, 3) == 1.0


def test_the_first_right_answer_counts_by_its_rank() -> None:
    assert reciprocal_rank(["a", "b", "c"], {"b", "c"}) == 1 / 2
    assert reciprocal_rank(["a", "b", "c"], {"c"}, k=2) == 0.0
    assert reciprocal_rank([], {"c"}) == 0.0


def test_gain_is_discounted_by_rank_and_compared_with_the_best_order() -> None:
    # 1/log2(2) = 1, 1/log2(3) = 0.63093, 1/log2(4) = 0.5
    assert ndcg_at_k(["a", "b", "c"], {"a"}) == 1.0
    assert ndcg_at_k(["b", "a", "c"], {"a"}) == pytest.approx(0.63093, abs=1e-5)
    assert ndcg_at_k(["a", "b", "c"], {"a", "c"}) == pytest.approx(1.5 / 1.63093)
    assert ndcg_at_k(["b", "a"], {"a"}, k=1) == 0.0
    assert ndcg_at_k(["a", "a"], {"a", "c"}) == pytest.approx(1 / 1.63093)
    assert ndcg_at_k(["a"], set()) == 0.0


def test_the_best_order_has_no_more_places_than_k() -> None:
    assert ndcg_at_k(["a"], {"a", "b", "c"}, k=1) == 1.0


def test_means_are_over_questions() -> None:
    assert mean([1.0, 0.0, 0.5]) == 0.5
    assert mean([]) == 0.0
