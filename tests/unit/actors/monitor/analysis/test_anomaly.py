"""Anomaly detection: what is anomalous, by which feature, and what is not."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.monitor.analysis.anomaly import (
    AnomalySettings,
    Episode,
    detect,
    find_episodes,
    learn,
)
from actors.monitor.analysis.features import (
    FEATURES,
    Feature,
    Numbers,
    build_features,
    build_series,
)

STEP_S = 300.0
DAY = 288
SETTINGS = AnomalySettings()


def usual(days: float, seed: int = 1) -> Numbers:
    """Build checks of a service that is as usual: 100 ms, three percent to and fro."""
    noise = np.random.default_rng(seed).normal(0, 0.03, round(days * DAY))
    return np.asarray(100 * np.exp(noise), dtype=np.float64)


def find(
    values: Numbers, failed: Numbers | None = None, settings: AnomalySettings = SETTINGS
) -> tuple[Episode, ...]:
    at = [STEP_S * n for n in range(len(values))]
    ok = None if failed is None else [not one for one in failed]
    series = build_series(at, values.tolist(), ok)
    return find_episodes(series, detect(series, settings), settings)


def raised_at(episodes: tuple[Episode, ...]) -> list[int]:
    return [one.raised for one in episodes if one.raised is not None]


def test_a_normal_service_has_no_anomalies() -> None:
    assert find(usual(10)) == ()


def test_a_daily_cycle_is_no_anomaly() -> None:
    cycle = 1 + 0.5 * np.sin(np.arange(10 * DAY) * 2 * np.pi / DAY)
    assert raised_at(find(usual(10) * cycle)) == []


@pytest.mark.parametrize("value", [0.0, 50.0])
def test_a_constant_series_has_no_anomalies(value: float) -> None:
    assert find(np.full(5 * DAY, value)) == ()


def test_before_a_day_is_known_there_are_no_anomalies() -> None:
    values = usual(0.9)
    values[-20:] *= 100
    assert find(values) == ()


def test_two_checks_a_day_are_too_few_to_say_anything() -> None:
    at = [43_200.0 * n for n in range(20)]
    series = build_series(at, [100.0] * 19 + [9000.0])
    assert not detect(series, SETTINGS).judged.any()


def slow_hour(values: Numbers) -> None:
    values[-12:] *= 3


def one_slow_answer(values: Numbers) -> None:
    values[-1] *= 5


def uneven(values: Numbers) -> None:
    values[-24::2] *= 1.35
    values[-23::2] /= 1.35


def slow_at_night(values: Numbers) -> None:
    # As slow as every day at noon, but at midnight.
    values[-12:] = 200


def creeping(values: Numbers) -> None:
    values[-90:] *= np.linspace(1, 1.35, 90)


@pytest.mark.parametrize(
    ("change", "feature"),
    [
        (slow_hour, Feature.LEVEL),
        (one_slow_answer, Feature.JUMP),
        (uneven, Feature.SPREAD),
        (slow_at_night, Feature.TIME_OF_DAY),
        (creeping, Feature.TREND),
    ],
    ids=lambda given: getattr(given, "__name__", ""),
)
def test_the_deviating_feature_is_named(
    change: Callable[[Numbers], None], feature: Feature
) -> None:
    values = usual(8)
    if change is slow_at_night:
        values[: 8 * DAY - 40] *= np.resize(
            np.where(np.abs(np.arange(DAY) - 144) < 36, 2.0, 1.0), 8 * DAY
        )[: 8 * DAY - 40]
    change(values)
    (episode,) = find(values)[-1:]
    assert episode.raised is not None
    assert feature in {reason.feature for reason in episode.deviations}


def test_failing_checks_are_anomalous_by_their_share_without_any_latency() -> None:
    values, failed = usual(4), np.zeros(4 * DAY)
    failed[-4:] = 1
    values[-4:] = np.nan
    (episode,) = find(values, failed)
    assert episode.deviations[0].feature is Feature.ERRORS
    assert episode.deviations[0].value == pytest.approx(4 / 12)
    assert episode.deviations[0].usual == 0.0


def test_a_ratio_is_in_units_of_the_usual_maximum() -> None:
    past = np.tile(np.linspace(90.0, 110.0, 201)[:, None], (1, len(FEATURES)))
    limits = learn(past, 0.995)
    level = FEATURES.index(Feature.LEVEL)
    assert limits.usual[level] == 100.0
    # Three deviations by the median distance are further than anything seen.
    edge = 3 * 1.4826 * 5.0
    assert limits.upper[level] == pytest.approx(edge)
    row = np.full((1, len(FEATURES)), 100.0 + 2 * edge)
    assert limits.measure(row)[0, level] == pytest.approx(2.0)


def test_an_episode_says_since_when_and_until_when() -> None:
    values = usual(4)
    values[900:930] *= 4
    (episode,) = find(values)
    assert episode.began == episode.raised == 900
    # The hour's level is still high for half an hour, and the spread for longer.
    assert 929 <= episode.ended <= 960


def test_a_second_failure_in_the_same_week_is_as_anomalous_as_the_first() -> None:
    values = usual(6)
    for begin in (3 * DAY, 5 * DAY + 100):
        values[begin : begin + 12] *= 4
    assert len(raised_at(find(values))) == 2


def slow_on(days: Mapping[float, float]) -> Numbers:
    """Build checks that are slow for an hour, so many times, at these times."""
    values = usual(8)
    for day, factor in days.items():
        begin = round(day * DAY)
        values[begin : begin + 12] *= factor
    return values


def test_a_third_episode_in_a_week_is_recurring_and_raises_no_alert() -> None:
    episodes = find(slow_on({3: 4, 4.3: 4, 5.6: 4, 6.9: 4}))
    assert [one.raised is not None for one in episodes] == [True, True, False, False]


def test_an_episode_at_the_same_time_of_day_is_recurring_the_second_time() -> None:
    episodes = find(slow_on({3: 4, 4: 4, 6: 4}))
    assert [one.raised is not None for one in episodes] == [True, False, False]


def test_a_recurring_episode_that_gets_far_worse_raises_an_alert_again() -> None:
    episodes = find(slow_on({3: 3, 4: 3, 5: 3, 6: 3, 7: 12}))
    assert [one.raised is not None for one in episodes] == [
        True,
        False,
        False,
        False,
        True,
    ]


def test_a_lasting_change_raises_one_alert_and_is_the_new_normal() -> None:
    values = usual(12)
    values[4 * DAY :] *= 2
    assert raised_at(find(values)) == [4 * DAY]


def test_the_same_checks_are_judged_alike_every_time() -> None:
    values = usual(6)
    values[5 * DAY : 5 * DAY + 9] *= 1.6
    assert find(values) == find(values)


def test_anomalous_checks_close_together_are_one_episode() -> None:
    values = usual(5)
    values[4 * DAY] *= 5
    values[4 * DAY + 60] *= 5
    assert len(find(values)) == 1
    assert len(find(values, settings=replace(SETTINGS, quiet=timedelta(hours=1)))) == 2


# Each example fits forests, a tenth of a second each.
@settings(max_examples=4)
@given(
    seed=st.integers(0, 1000),
    begin=st.integers(2 * DAY, 4 * DAY),
    factor=st.floats(3, 9),
)
def test_what_comes_later_changes_no_judgement(
    seed: int, begin: int, factor: float
) -> None:
    values = usual(5, seed)
    values[begin : begin + 10] *= factor
    at = [STEP_S * n for n in range(len(values))]
    whole = detect(build_series(at, values.tolist()), SETTINGS)
    # Up to where the past is learnt anew the block's end is the only thing to come.
    cut = 4 * DAY
    part = detect(build_series(at[:cut], values[:cut].tolist()), SETTINGS)
    np.testing.assert_array_equal(part.anomalous, whole.anomalous[:cut])
    np.testing.assert_allclose(part.ratios, whole.ratios[:cut])


@settings(max_examples=25)
@given(
    values=st.lists(st.floats(0, 1e6), min_size=0, max_size=40),
    repeat=st.integers(1, 30),
)
def test_whatever_the_latencies_ratios_are_numbers_and_nothing_breaks(
    values: list[float], repeat: int
) -> None:
    series = build_series(
        [STEP_S * n for n in range(len(values) * repeat)], values * repeat
    )
    found = detect(series, SETTINGS)
    assert np.isfinite(found.ratios).all()
    assert (found.ratios >= 0).all()
    assert not found.anomalous[~found.judged].any()
    assert build_features(series).shape == found.ratios.shape
