"""Measures of a ranking, by hand."""

from retrieval.evaluation import hit_at_k, mean, reciprocal_rank


def test_a_hit_is_any_right_answer_among_the_first_k() -> None:
    ranking, relevant = ["a", "b", "c"], {"c", "x"}
    assert hit_at_k(ranking, relevant, 2) == 0.0
    assert hit_at_k(ranking, relevant, 3) == 1.0


def test_the_first_right_answer_counts_by_its_rank() -> None:
    assert reciprocal_rank(["a", "b", "c"], {"b", "c"}) == 1 / 2
    assert reciprocal_rank(["a", "b", "c"], {"c"}, k=2) == 0.0
    assert reciprocal_rank([], {"c"}) == 0.0


def test_means_are_over_questions() -> None:
    assert mean([1.0, 0.0, 0.5]) == 0.5
    assert mean([]) == 0.0
