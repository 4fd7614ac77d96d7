"""Measures of a ranking, by hand."""

import pytest

from retrieval.evaluation import (
    hit_at_k,
    mean,
    ndcg_at_k,
    reciprocal_rank,
)


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
