"""Detects anomalies of a service, check by check, from earlier checks only.

The *ratio* of a feature is its distance from the median, divided by the usual maximum
distance in the days before: 1 is the limit of the past, 2 is twice as far. A check is
anomalous when a ratio exceeds the threshold and an IsolationForest, fitted to the same
past, isolates its group of features more than nearly all of the past. Why: D-070.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from actors.monitor.analysis.features import (
    DAY_S,
    FEATURES,
    Feature,
    Flags,
    Numbers,
    Series,
    build_features,
    fill_gaps,
    forget_days,
)

#: One forest for each group: among all features a single anomalous one would drown.
ASPECTS: tuple[tuple[Feature, ...], ...] = (
    (Feature.JUMP,),
    (Feature.LEVEL, Feature.TIME_OF_DAY),
    (Feature.SPREAD, Feature.TREND),
    (Feature.ERRORS,),
)
#: The usual maximum is at least so many standard deviations of a normal distribution.
MIN_DEVIATIONS = 3.0
#: Median distance to standard deviation, for a normal distribution.
MAD_SCALE = 1.4826
#: A twentieth of the median latency is never worth an alert.
MIN_SHARE = 0.05
#: The usual maximum share of failed checks in an hour is at least this.
MIN_ERRORS = 0.1
#: The noise of a machine's clock and scheduler.
MIN_LATENCY_MS = 1e-3
#: Known values that a feature needs.
MIN_KNOWN = 144
#: When so many of the last checks are anomalous, they are the new normal.
SHIFTED_SHARE = 0.7
SEED = 7


@dataclass(frozen=True, slots=True)
class AnomalySettings:
    """How strict the detection is; `benchmarks/anomaly.py` measures these values."""

    #: The ratio at which a feature is anomalous.
    threshold: float = 2.5
    #: The quantile that counts as the limit of the past.
    edge: float = 0.995
    #: The share of the past that the forest must find less anomalous.
    forest_edge: float = 0.99
    trees: int = 15
    history: timedelta = timedelta(days=7)
    refit: timedelta = timedelta(days=1)
    #: The history that is needed before anything is anomalous.
    learning: timedelta = timedelta(days=1)
    #: A change that lasts so long is the new normal.
    settled: timedelta = timedelta(hours=12)
    #: After so long without an anomalous check, the next one starts another episode.
    quiet: timedelta = timedelta(hours=12)
    #: After so many similar episodes within `history` another one raises no alert.
    recurring: int = 2
    #: An episode this close to the time of day of an earlier one raises none either.
    same_time: timedelta = timedelta(minutes=30)
    #: Similar means at least this share of the score.
    alike: float = 0.7


@dataclass(frozen=True, slots=True)
class Detection:
    """The detection of each check: arrays of shape (n_checks, n_features) or (n,)."""

    features: Numbers
    #: In units of the usual maximum; 0 where a feature was not judged.
    ratios: Numbers
    #: The median of the past.
    usual: Numbers
    anomalous: Flags
    #: Whether there was enough history.
    judged: Flags


@dataclass(frozen=True, slots=True)
class Deviation:
    """One feature of an episode at its largest ratio."""

    feature: Feature
    #: Distance from the median, in units of the usual maximum distance.
    ratio: float
    value: float
    usual: float


@dataclass(frozen=True, slots=True)
class Episode:
    """A group of anomalous checks. Indexes are those of the series."""

    began: int
    #: The check that raised the alert; None for a recurring episode.
    raised: int | None
    ended: int
    #: The largest first.
    deviations: tuple[Deviation, ...]
    #: The anomalous checks.
    anomalous: tuple[int, ...] = field(repr=False)

    @property
    def score(self) -> float:
        """The largest ratio."""
        return self.deviations[0].ratio


@dataclass(frozen=True, slots=True)
class Baseline:
    """The median and the usual maximum distances of each feature."""

    usual: Numbers
    upper: Numbers
    lower: Numbers
    #: Features that were known often enough.
    known: Flags

    def measure(self, features: Numbers) -> Numbers:
        """Compute signed ratios of features; 0 where unknown."""
        away = features - self.usual
        ratios = np.where(away >= 0, away / self.upper, away / self.lower)
        return np.where(np.isnan(ratios) | ~self.known, 0.0, ratios)


def detect(series: Series, settings: AnomalySettings) -> Detection:
    """Judge each check by the checks before it.

    Anomalous checks are left out of the past of later checks, or a second failure would
    look normal; unless the change lasts, and so is the new normal.
    """
    features = build_features(series)
    count, at, latency = len(series), series.at, fill_gaps(series.latency_ms)
    ratios, usual = np.zeros(features.shape), np.full(features.shape, np.nan)
    anomalous, judged = np.zeros(count, bool), np.zeros(count, bool)
    usable = np.ones(count, bool)
    origin = begin = 0
    while begin < count:
        # A whole day must be known first, at the start and after a lasting change.
        learnt = _find(at, at[origin] + settings.learning.total_seconds())
        begin = max(begin, learnt)
        if begin >= count:
            break
        end = _find_refit(at, begin, settings)
        first = max(origin, _find(at, at[begin] - settings.history.total_seconds()))
        past = features[first:begin][usable[first:begin]]
        if len(past) >= MIN_KNOWN:
            block = slice(begin, end)
            limits = learn(past, settings.edge)
            signed = limits.measure(features[block])
            _forgive_returns(signed, latency[block], features[block], limits, settings)
            ratios[block], usual[block] = np.abs(signed), limits.usual
            anomalous[block] = _flag_anomalous(limits, past, signed, settings)
            usable[block] = (ratios[block] < settings.threshold).all(axis=1)
            judged[block] = True
            lately = _find(at, at[end - 1] - settings.settled.total_seconds())
            if lately > origin and (~usable[lately:end]).mean() > SHIFTED_SHARE:
                origin = lately
                usable[lately:end] = True
                forget_days(features, at, origin)
        begin = end
    return Detection(features, ratios, usual, anomalous, judged)


def learn(past: Numbers, edge: float) -> Baseline:
    """Learn the baseline; past: shape (n_checks, n_features), NaN if unknown."""
    # Each feature is contiguous in memory, which sorts five times as fast.
    ordered = np.sort(np.ascontiguousarray(past.T), axis=1)
    known = (~np.isnan(past)).sum(axis=0)
    usual = _quantile(ordered, known, 0.5)
    # Unknown values sort last.
    distances = np.sort(np.abs(ordered - usual[:, np.newaxis]), axis=1)
    deviation = MAD_SCALE * _quantile(distances, known, 0.5)
    level = abs(float(usual[FEATURES.index(Feature.LEVEL)]))
    floor = np.full(len(FEATURES), max(MIN_SHARE * level, MIN_LATENCY_MS))
    floor[FEATURES.index(Feature.ERRORS)] = MIN_ERRORS
    least = np.maximum(MIN_DEVIATIONS * deviation, floor)
    return Baseline(
        usual,
        np.maximum(_quantile(ordered, known, edge) - usual, least),
        np.maximum(usual - _quantile(ordered, known, 1 - edge), least),
        known >= MIN_KNOWN,
    )


def find_episodes(
    series: Series, detection: Detection, settings: AnomalySettings
) -> tuple[Episode, ...]:
    """Join anomalous checks into episodes; recurring ones have `raised` None."""
    anomalous = np.flatnonzero(detection.anomalous)
    if not len(anomalous):
        return ()
    breaks = (
        np.flatnonzero(np.diff(series.at[anomalous]) > settings.quiet.total_seconds())
        + 1
    )
    episodes: list[Episode] = []
    for group in np.split(anomalous, breaks):
        since = series.at[group[0]] - settings.history.total_seconds()
        before = [one for one in episodes if series.at[one.ended] >= since]
        raised = (
            int(index)
            for index, peak in zip(
                group, detection.ratios[group].max(axis=1), strict=True
            )
            if not _is_recurring(series, before, int(group[0]), peak, settings)
        )
        episodes.append(
            Episode(
                began=int(group[0]),
                raised=next(raised, None),
                ended=int(group[-1]),
                deviations=_explain(detection, group, settings),
                anomalous=tuple(int(index) for index in group),
            )
        )
    return tuple(episodes)


def _forgive_returns(
    signed: Numbers,
    latency: Numbers,
    features: Numbers,
    past: Baseline,
    settings: AnomalySettings,
) -> None:
    """Reset, in place, ratios of steps that only lead back to normal.

    After two slow hours the first quick answer is a jump, and the level falls for six
    hours: a step counts only if it ends away from the median, by half of the threshold.
    """
    level = FEATURES.index(Feature.LEVEL)
    places = {Feature.JUMP: latency, Feature.TREND: features[:, level]}
    for feature, place in places.items():
        column = FEATURES.index(feature)
        away = place - past.usual[level]
        edge = np.where(away >= 0, past.upper[column], past.lower[column])
        signed[np.abs(away) < settings.threshold / 2 * edge, column] = 0.0


def _flag_anomalous(
    limits: Baseline, past: Numbers, now: Numbers, settings: AnomalySettings
) -> Flags:
    """Flag anomalous checks: by ratio, and by the forest of each aspect.

    past: features; now: ratios.
    """
    anomalous = np.zeros(len(now), bool)
    # Most services have no large ratio, and need no forest: that keeps it cheap.
    if not (np.abs(now) >= settings.threshold).any():
        return anomalous
    ratios = limits.measure(past)
    for aspect in ASPECTS:
        columns = [FEATURES.index(feature) for feature in aspect]
        far = (np.abs(now[:, columns]) >= settings.threshold).any(axis=1)
        # A check that is flagged by another aspect needs no second forest.
        asked = np.flatnonzero(far & ~anomalous)
        if len(asked):
            anomalous[asked] = _isolate(
                ratios[:, columns], now[asked][:, columns], settings
            )
    return anomalous


def _isolate(past: Numbers, now: Numbers, settings: AnomalySettings) -> Flags:
    """Flag rows that a forest isolates as much as the most isolated of the past."""
    from sklearn import config_context
    from sklearn.ensemble import IsolationForest

    # Checks of arguments, tree by tree, are half the time of a small forest.
    with config_context(assume_finite=True, skip_parameter_validation=True):
        forest = IsolationForest(
            n_estimators=settings.trees,
            max_samples=min(256, len(past)),
            random_state=SEED,
        ).fit(past)
        scores = forest.score_samples(np.concatenate([past, now]))
    limit = np.quantile(scores[: len(past)], 1 - settings.forest_edge)
    return np.asarray(scores[len(past) :] <= limit, dtype=np.bool_)


def _is_recurring(
    series: Series,
    before: Sequence[Episode],
    began: int,
    peak: float,
    settings: AnomalySettings,
) -> bool:
    """True if the week had similar episodes, such as a daily backup."""
    alike = [one for one in before if one.score >= settings.alike * peak]
    half = DAY_S / 2
    return len(alike) >= settings.recurring or any(
        abs((series.at[began] - series.at[one.began] + half) % DAY_S - half)
        <= settings.same_time.total_seconds()
        for one in alike
    )


def _explain(
    detection: Detection, group: NDArray[np.intp], settings: AnomalySettings
) -> tuple[Deviation, ...]:
    """List the features beyond the threshold, the largest ratio first."""
    peaks: Mapping[Feature, int] = {
        feature: int(group[int(np.argmax(detection.ratios[group, column]))])
        for column, feature in enumerate(FEATURES)
    }
    reasons = [
        Deviation(
            feature,
            float(detection.ratios[index, FEATURES.index(feature)]),
            float(detection.features[index, FEATURES.index(feature)]),
            float(detection.usual[index, FEATURES.index(feature)]),
        )
        for feature, index in peaks.items()
        if detection.ratios[index, FEATURES.index(feature)] >= settings.threshold
    ]
    return tuple(sorted(reasons, key=lambda reason: -reason.ratio))


def _quantile(ordered: Numbers, known: NDArray[np.intp], share: float) -> Numbers:
    """Pick the quantile of each sorted row; unknown values are at its end."""
    places = np.floor(share * np.maximum(known - 1, 0) + 0.5).astype(np.intp)
    return np.asarray(ordered[np.arange(len(ordered)), places], dtype=np.float64)


def _find(at: Numbers, instant: float) -> int:
    return int(np.searchsorted(at, instant))


def _find_refit(at: Numbers, begin: int, settings: AnomalySettings) -> int:
    """Find where the baseline is learnt again: at fixed times of day.

    So an analysis that begins elsewhere in the same history has the same result.
    """
    refit_s = settings.refit.total_seconds()
    return max(begin + 1, _find(at, (at[begin] // refit_s + 1) * refit_s))
