"""Reciprocal rank fusion, by hand."""

import pytest

from retrieval.ranking.fusion import rrf


def test_scores_are_sums_of_reciprocal_ranks() -> None:
    fused = rrf([["a", "b", "c"], ["c", "a"]])
    assert fused == pytest.approx(
        {"a": 1 / 61 + 1 / 62, "c": 1 / 63 + 1 / 61, "b": 1 / 62}
    )
    assert list(fused) == ["a", "c", "b"]


def test_k_flattens_the_ranks() -> None:
    assert rrf([["a", "b"]], k=0) == {"a": 1.0, "b": 0.5}


def test_ties_keep_the_order_in_which_they_were_seen() -> None:
    assert list(rrf([["b"], ["a"]])) == ["b", "a"]


def test_nothing_fused_is_nothing() -> None:
    assert rrf([]) == {}
    assert rrf([[], []]) == {}
