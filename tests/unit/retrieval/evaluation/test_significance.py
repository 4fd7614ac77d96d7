"""Differences that are more than luck, and those that are not."""

import pytest

from retrieval.evaluation import compare_paired


def test_one_question_can_prove_nothing() -> None:
    compared = compare_paired([0.0], [1.0], seed=1)
    assert (compared.difference, compared.p_value) == (1.0, 1.0)


def test_equal_results_differ_by_nothing() -> None:
    compared = compare_paired([1.0, 0.0] * 5, [1.0, 0.0] * 5, seed=1)
    assert (compared.difference, compared.low, compared.high) == (0.0, 0.0, 0.0)
    assert compared.p_value == 1.0


def test_the_p_value_is_the_share_of_tosses_that_do_as_well() -> None:
    # Ten wins of ten: only all heads or all tails are as large, 2 / 2**10 = 0.00195.
    compared = compare_paired([0.0] * 10, [1.0] * 10, seed=7, rounds=40_000)
    assert compared.p_value == pytest.approx(2 / 2**10, abs=1e-3)
    assert (compared.low, compared.high) == (1.0, 1.0)


def test_the_interval_holds_the_difference_and_a_seed_repeats_it() -> None:
    a, b = [0.0, 1.0, 0.0, 0.0, 1.0] * 8, [1.0, 0.0, 1.0, 0.0, 1.0] * 8
    compared = compare_paired(a, b, seed=3)
    assert compared.difference == pytest.approx(1 / 5)
    assert compared.low < 1 / 5 < compared.high
    assert compared == compare_paired(a, b, seed=3)


def test_results_of_other_questions_are_not_compared() -> None:
    with pytest.raises(ValueError, match="1 and 2"):
        compare_paired([1.0], [1.0, 0.0], seed=1)
    with pytest.raises(ValueError, match="0 and 0"):
        compare_paired([], [], seed=1)
