"""Batches hold every pair once; their latency is estimated from what work took."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.cross_encoder import LatencyEstimator, batch_by_length


def test_pairs_of_like_length_share_a_batch() -> None:
    assert batch_by_length([2, 8, 7], 16) == [[1, 2], [0]]


def test_a_pair_that_is_too_long_for_any_batch_has_one_of_its_own() -> None:
    assert batch_by_length([100, 3, 3], 16) == [[0], [1, 2]]


def test_no_pairs_make_no_batches() -> None:
    assert batch_by_length([], 16) == []


def test_workers_get_smaller_batches_towards_the_end() -> None:
    # 120 tokens to do, 60 for each of two: a batch is at most two thirds of that. What
    # is left then is 80, and later 60, and 40: batches of at most 26, 20 and 13.
    assert batch_by_length([10] * 12, 100, workers=2) == [
        [0, 1, 2, 3],
        [4, 5],
        [6, 7],
        [8],
        [9],
        [10],
        [11],
    ]


@given(
    st.lists(st.integers(1, 512), max_size=60),
    st.integers(1, 2048),
    st.integers(1, 8),
)
def test_every_pair_is_in_one_batch_and_no_batch_is_too_large(
    lengths: list[int], max_tokens: int, workers: int
) -> None:
    batches = batch_by_length(lengths, max_tokens, workers)
    assert sorted(place for batch in batches for place in batch) == [
        *range(len(lengths))
    ]
    for batch in batches:
        padded = len(batch) * max(lengths[place] for place in batch)
        assert len(batch) == 1 or padded <= max_tokens


def test_before_anything_was_measured_nothing_is_refused() -> None:
    assert LatencyEstimator().predict(10_000) == 0.0


def test_what_waits_already_counts() -> None:
    estimator = LatencyEstimator()
    estimator.learn(chars=100, seconds=1.0)
    estimator.add(50)
    assert estimator.predict(100) == pytest.approx(1.5)
    estimator.remove(50)
    assert estimator.predict(100) == pytest.approx(1.0)


def test_a_new_measurement_moves_the_estimate_by_three_tenths() -> None:
    estimator = LatencyEstimator()
    estimator.learn(chars=100, seconds=1.0)
    estimator.learn(chars=100, seconds=2.0)
    assert estimator.predict(100) == pytest.approx(1.3)


def test_a_batch_without_a_word_teaches_nothing() -> None:
    estimator = LatencyEstimator()
    estimator.learn(chars=0, seconds=1.0)
    assert estimator.predict(100) == 0.0
