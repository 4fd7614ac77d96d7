"""What is looked at in checks: small series whose features are done by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.monitor.analysis.features import (
    DAY_S,
    FEATURES,
    Feature,
    Numbers,
    Series,
    build_features,
    build_series,
    fill_gaps,
    rolling_quantile,
)

STEP_S = 300.0
latencies = st.lists(
    st.one_of(st.none(), st.floats(0.1, 1e5)), min_size=2, max_size=120
)


def build(values: list[float], ok: list[bool] | None = None) -> Series:
    return build_series([STEP_S * n for n in range(len(values))], values, ok)


def take(features: Numbers, feature: Feature) -> Numbers:
    return np.asarray(features[:, FEATURES.index(feature)])


def test_checks_are_put_in_order_by_their_time() -> None:
    series = build_series([600.0, 0.0, 300.0], [3.0, 1.0, 2.0], [True, False, True])
    assert series.latency_ms.tolist() == [1.0, 2.0, 3.0]
    assert series.failed.tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("values", "filled"),
    [
        ([1.0, np.nan, 3.0], [1.0, 1.0, 3.0]),
        ([np.nan, 2.0, np.nan], [2.0, 2.0, 2.0]),
        ([np.nan, np.nan], [0.0, 0.0]),
    ],
    ids=["between", "at the ends", "nothing known"],
)
def test_a_failed_check_stands_where_the_last_answer_stood(
    values: list[float], filled: list[float]
) -> None:
    assert fill_gaps(np.array(values)).tolist() == filled


def test_a_rolling_quantile_ends_at_its_own_place() -> None:
    values = np.array([0.0, 0.0, 0.0, 9.0, 9.0, 9.0, 0.0])
    assert rolling_quantile(values, 3, 0.5).tolist() == [0, 0, 0, 0, 9, 9, 9]


def test_a_jump_is_the_distance_to_the_hours_before_and_not_of_them() -> None:
    features = build_features(build([100.0] * 50 + [340.0, 100.0]))
    jumps = take(features, Feature.JUMP)
    assert jumps[-2:].tolist() == [240.0, 0.0]
    assert np.isnan(jumps[0])


def test_a_level_is_an_hours_median_so_one_slow_answer_is_none() -> None:
    features = build_features(build([100.0] * 20 + [900.0] + [200.0] * 12))
    levels = take(features, Feature.LEVEL)
    assert levels[20] == 100.0
    assert levels[-1] == 200.0


def test_a_spread_is_the_middle_half_of_two_hours() -> None:
    features = build_features(build([100.0, 180.0] * 24))
    assert take(features, Feature.SPREAD)[-1] == 80.0


def test_a_trend_is_how_far_the_level_went_in_six_hours() -> None:
    features = build_features(build([100.0] * 72 + [130.0] * 72))
    trend = take(features, Feature.TREND)
    assert np.isnan(trend[71])
    assert trend[-1] == 30.0


def test_a_single_failure_in_an_hour_is_a_twelfth_even_at_the_start() -> None:
    features = build_features(build([100.0] * 3, [False, True, True]))
    assert take(features, Feature.ERRORS).tolist() == [pytest.approx(1 / 12)] * 3


def test_a_time_of_day_is_compared_once_three_days_are_known() -> None:
    day = [100.0] * 144 + [300.0] * 144
    features = build_features(build(day * 5))
    of_day = take(features, Feature.TIME_OF_DAY)
    assert np.isnan(of_day[: 3 * 288]).all()
    assert of_day[3 * 288 :].tolist() == [0.0] * (2 * 288)


def test_a_time_of_day_without_checks_is_compared_with_nothing() -> None:
    at = [n * STEP_S for n in range(288)]
    at += [DAY_S * 5 + n * STEP_S for n in range(10)]
    features = build_features(build_series(at, [100.0] * len(at)))
    assert np.isnan(take(features, Feature.TIME_OF_DAY)[-10:]).all()


def test_no_checks_have_no_features() -> None:
    assert build_features(build([])).shape == (0, len(FEATURES))


@given(values=latencies, data=st.data())
def test_what_comes_later_changes_no_feature(
    values: list[float | None], data: st.DataObject
) -> None:
    # An answer must come first: what is before the first one is filled from it.
    known = [100.0, *values]
    count = data.draw(st.integers(1, len(known)))
    at = [STEP_S * n for n in range(len(known))]
    ok = [value is not None for value in known]
    whole = build_features(build_series(at, known, ok))
    part = build_features(build_series(at[:count], known[:count], ok[:count]))
    np.testing.assert_allclose(part, whole[:count], rtol=1e-9, atol=1e-9)
