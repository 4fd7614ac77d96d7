"""A pace foretells from what work took before."""

import pytest

from retrieval.cross_encoder import Pace


def test_before_anything_was_measured_nothing_is_refused() -> None:
    assert Pace().foretell(10_000) == 0.0


def test_what_waits_already_counts() -> None:
    pace = Pace()
    pace.learn(chars=100, seconds=1.0)
    pace.take(50)
    assert pace.foretell(100) == pytest.approx(1.5)
    pace.leave(50)
    assert pace.foretell(100) == pytest.approx(1.0)


def test_a_new_measurement_moves_the_pace_by_three_tenths() -> None:
    pace = Pace()
    pace.learn(chars=100, seconds=1.0)
    pace.learn(chars=100, seconds=2.0)
    assert pace.foretell(100) == pytest.approx(1.3)


def test_a_batch_without_a_word_teaches_nothing() -> None:
    pace = Pace()
    pace.learn(chars=0, seconds=1.0)
    assert pace.foretell(100) == 0.0
