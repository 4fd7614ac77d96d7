"""Averages of an evaluation, by hand."""

from itertools import count

import pytest

from retrieval.evaluation.labelled import LabelledQuestion
from retrieval.evaluation.report import Ranking, Report, run_questions

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
