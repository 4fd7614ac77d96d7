"""The weighted sum of stretched scores, by hand."""

import pytest

from retrieval.ranking.fusion import weighted_min_max


def test_scores_are_stretched_and_averaged_by_weight() -> None:
    dense = {"a": 0.9, "b": 0.85, "c": 0.8}
    sparse = {"a": 1.0, "b": 3.0, "c": 5.0}
    fused = weighted_min_max([(0.6, dense), (0.4, sparse)])
    assert fused == pytest.approx(
        {"a": 0.6, "b": 0.6 * 0.5 + 0.4 * (3 - 1) / (5 - 1), "c": 0.4}
    )
    assert list(fused) == ["a", "b", "c"]


def test_weights_are_relative() -> None:
    arms = {"a": 2.0, "b": 1.0}, {"a": 0.0, "b": 3.0}
    small = weighted_min_max([(0.6, arms[0]), (0.4, arms[1])])
    large = weighted_min_max([(6.0, arms[0]), (4.0, arms[1])])
    assert small == pytest.approx(large)


def test_what_an_arm_could_not_score_is_judged_by_the_other() -> None:
    fused = weighted_min_max([(0.6, {"a": 0.9, "b": 0.8}), (0.4, {"b": 1.0, "c": 2.0})])
    assert fused == {"a": 1.0, "b": 0.0, "c": 1.0}


def test_equal_scores_cannot_be_stretched() -> None:
    assert weighted_min_max([(0.6, {"a": 0.8}), (0.4, {"a": 3.0})]) == {"a": 1.0}
    # No word was found anywhere: only the meaning speaks, at its own weight.
    fused = weighted_min_max([(0.6, {"a": 0.9, "b": 0.8}), (0.4, {"a": 0.0, "b": 0.0})])
    assert fused == pytest.approx({"a": 0.6, "b": 0.0})


def test_nothing_fused_is_nothing() -> None:
    assert weighted_min_max([(0.6, {}), (0.4, {})]) == {}
