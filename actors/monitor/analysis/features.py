"""Computes features of a service's checks: latency, spread, trend, failures.

Each feature of a check uses that check and earlier ones, never later ones: so old data
leads to the same findings as they would have been at the time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

DAY_S = timedelta(days=1).total_seconds()
#: Checks that make a level: an hour of five-minute checks.
LEVEL_CHECKS = 12
#: Checks that a jump is compared with: three hours.
BEFORE_CHECKS = 36
#: Checks of a spread, and checks that a trend looks back.
SPREAD_CHECKS, TREND_CHECKS = 24, 72
#: Days that the time-of-day feature needs, and uses at most.
SEASON_MIN_DAYS, SEASON_MAX_DAYS = 3, 7
#: Tolerance for the same time of another day.
SAME_TIME_S = timedelta(minutes=30).total_seconds()


class Feature(StrEnum):
    """A property in which a service can be anomalous."""

    #: One answer compared with the hours before.
    JUMP = "jump"
    #: The median latency of an hour.
    LEVEL = "level"
    #: The level compared with the same time of earlier days.
    TIME_OF_DAY = "time_of_day"
    #: The interquartile range of two hours.
    SPREAD = "spread"
    #: The change of the level in six hours.
    TREND = "trend"
    #: The share of failed checks in an hour.
    ERRORS = "errors"


FEATURES: tuple[Feature, ...] = tuple(Feature)


@dataclass(frozen=True, slots=True)
class Series:
    """A service's checks, the oldest first.

    at: seconds since 1970. latency_ms: NaN where nothing answered. failed: 0 or 1.
    All of shape (n_checks,).
    """

    at: Numbers
    latency_ms: Numbers
    failed: Numbers

    def __len__(self) -> int:
        return len(self.at)


def build_series(
    at: Sequence[float],
    latency_ms: Sequence[float | None],
    ok: Sequence[bool] | None = None,
) -> Series:
    """Build a series from columns; without `ok` nothing has failed."""
    instants = np.asarray(at, dtype=np.float64)
    latencies = np.asarray(latency_ms, dtype=np.float64)
    if ok is None:
        failed = np.zeros(len(instants))
    else:
        failed = 1.0 - np.asarray(ok, dtype=np.float64)
    order = np.argsort(instants, kind="stable")
    return Series(instants[order], latencies[order], failed[order])


def build_features(series: Series) -> Numbers:
    """Build the features of each check: shape (n_checks, n_features), NaN if unknown.

    Latencies are in milliseconds, errors a share of 0 to 1.
    """
    count = len(series)
    features = np.full((count, len(FEATURES)), np.nan)
    if not count:
        return features
    latency = fill_gaps(series.latency_ms)
    level = rolling_quantile(latency, LEVEL_CHECKS, 0.5)
    before = np.full(count, np.nan)
    before[1:] = rolling_quantile(latency, BEFORE_CHECKS, 0.5)[:-1]
    upper = rolling_quantile(latency, SPREAD_CHECKS, 0.75)
    lower = rolling_quantile(latency, SPREAD_CHECKS, 0.25)
    trend = np.full(count, np.nan)
    trend[TREND_CHECKS:] = level[TREND_CHECKS:] - level[:-TREND_CHECKS]
    columns = {
        Feature.JUMP: np.where(np.isnan(series.latency_ms), np.nan, latency - before),
        Feature.LEVEL: level,
        Feature.TIME_OF_DAY: level - _same_time(series.at, level),
        Feature.SPREAD: upper - lower,
        Feature.TREND: trend,
        Feature.ERRORS: _rolling_mean(series.failed, LEVEL_CHECKS),
    }
    for index, feature in enumerate(FEATURES):
        features[:, index] = columns[feature]
    return features


def forget_days(features: Numbers, at: Numbers, origin: int) -> None:
    """Recompute the time-of-day feature, in place, from the days since `origin`.

    After a lasting change, earlier days are no reference: half a week later, when most
    days are like the new ones, the change would be detected once more.
    """
    level = features[origin:, FEATURES.index(Feature.LEVEL)]
    of_day = level - _same_time(at[origin:], level)
    features[origin:, FEATURES.index(Feature.TIME_OF_DAY)] = of_day


def fill_gaps(values: Numbers) -> Numbers:
    """Replace unknown values by the last known one."""
    known = ~np.isnan(values)
    if not known.any():
        return np.zeros(len(values))
    positions = np.where(known, np.arange(len(values)), -1)
    last = np.maximum.accumulate(positions)
    return values[np.where(last < 0, int(np.argmax(known)), last)]


def rolling_quantile(values: Numbers, width: int, share: float) -> Numbers:
    """Compute a quantile of the last `width` values; the first value is repeated."""
    from scipy.ndimage import percentile_filter

    # The filter's window is centred; the origin shifts it to end at each value.
    return np.asarray(
        percentile_filter(
            values, share * 100, size=width, mode="nearest", origin=(width - 1) // 2
        ),
        dtype=np.float64,
    )


def _rolling_mean(values: Numbers, width: int) -> Numbers:
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    begins = np.maximum(ends - width, 0)
    # Divided by the whole width from the first check on: one failure is no rate of 1.
    return np.asarray((sums[ends] - sums[begins]) / width, dtype=np.float64)


def _same_time(at: Numbers, level: Numbers) -> Numbers:
    """Compute the median level at this time of day; NaN until there are enough days."""
    levels = np.full((len(at), SEASON_MAX_DAYS), np.nan)
    for day in range(1, SEASON_MAX_DAYS + 1):
        wanted = at - day * DAY_S
        # The last check up to then: its level covers the hour that ended there.
        index = np.searchsorted(at, wanted, side="right") - 1
        near = (index >= 0) & (wanted - at[np.maximum(index, 0)] <= SAME_TIME_S)
        levels[near, day - 1] = level[index[near]]
    # NaN sorts last. Picking the median by hand is twenty times as fast as `nanmedian`.
    levels.sort(axis=1)
    known = (~np.isnan(levels)).sum(axis=1)
    rows = np.flatnonzero(known >= SEASON_MIN_DAYS)
    usual = np.full(len(at), np.nan)
    usual[rows] = (
        levels[rows, (known[rows] - 1) // 2] + levels[rows, known[rows] // 2]
    ) / 2
    return usual
