"""Whom a reranker is asked about, and what becomes of its scores."""

import math
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from retrieval.ranking.reranking import (
    CERTAIN_LEAD,
    SAFE_LEAD,
    count_worth_reading,
    is_certain,
    order_by,
)


@dataclass(frozen=True)
class Placed:
    """A candidate with its ranks in both retrievers."""

    score: float
    dense_rank: int | None
    sparse_rank: int | None


def test_a_first_place_of_both_arms_far_ahead_is_certain() -> None:
    assert is_certain([Placed(1.0, 1, 1), Placed(0.4, 2, 2)])


def test_a_first_place_that_hardly_leads_is_not_certain() -> None:
    assert not is_certain([Placed(1.0, 1, 1), Placed(0.51, 2, 2)])


def test_a_lead_that_another_processor_could_take_away_is_not_certain() -> None:
    assert SAFE_LEAD < 0.53 < CERTAIN_LEAD
    assert not is_certain([Placed(1.0, 1, 1), Placed(0.47, 2, 2)])


def test_a_first_place_of_one_arm_alone_is_not_certain() -> None:
    assert not is_certain([Placed(1.0, 1, 2), Placed(0.1, 2, 3)])
    assert not is_certain([Placed(1.0, 1, None), Placed(0.1, 2, None)])


def test_a_single_candidate_or_none_needs_no_second_opinion() -> None:
    assert is_certain([])
    assert is_certain([Placed(1.0, 1, 1)])


def test_what_is_certain_is_not_read_at_all() -> None:
    assert count_worth_reading([Placed(1.0, 1, 1), Placed(0.1, 2, 2)]) == 0


def test_candidates_that_cannot_win_are_not_read() -> None:
    ranked = [Placed(1.0, 1, 2), Placed(0.9, 2, 1), Placed(0.2, 3, 3)]
    assert count_worth_reading([*ranked, Placed(0.19, 4, 4)]) == 3


def test_a_first_place_without_a_rival_has_nobody_to_be_compared_with() -> None:
    assert count_worth_reading([Placed(0.6, 1, None), Placed(0.1, 2, None)]) == 0


def test_no_more_candidates_are_read_than_wanted() -> None:
    assert count_worth_reading([Placed(0.9, None, 1)] * 30, max_candidates=20) == 20


def test_scores_put_candidates_in_order_and_ties_stay_as_they_were() -> None:
    assert order_by([0.1, 0.9, 0.1], 3) == [1, 0, 2]


def test_candidates_that_nobody_scored_follow_in_the_order_they_had() -> None:
    assert order_by([0.1, 0.9], 4) == [1, 0, 2, 3]


def test_a_score_that_is_no_number_comes_last_of_the_scored() -> None:
    assert order_by([math.nan, 0.1, 0.2], 4) == [2, 1, 0, 3]


@given(st.lists(st.floats(), max_size=30), st.integers(0, 30))
def test_g2_turning_the_reranker_on_never_empties_the_context(
    scores: list[float], n_candidates: int
) -> None:
    """The predecessor's fault G2: whatever a reranker says, nothing is lost."""
    assert sorted(order_by(scores, n_candidates)) == [*range(n_candidates)]
