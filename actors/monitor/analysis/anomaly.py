"""When a service behaves oddly: judged check by check, from what was before only.

A feature's *ratio* says how far it is from its usual, in units of how far it ever goes:
1 is the edge of what was seen in the days before, 2 is twice as far. A check is odd
when a ratio is over the threshold and an IsolationForest, fitted to the same past,
finds its group of features odder than nearly all of the past. Why so: D-070.
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

#: The forest sees one group at a time: in all features at once a single odd one drowns.
ASPECTS: tuple[tuple[Feature, ...], ...] = (
    (Feature.JUMP,),
    (Feature.LEVEL, Feature.TIME_OF_DAY),
    (Feature.SPREAD, Feature.TREND),
    (Feature.ERRORS,),
)
#: Of a normal distribution's deviation; below it a feature is never at its edge.
MIN_DEVIATIONS = 3.0
#: Median distance to deviation, for a normal distribution.
MAD_SCALE = 1.4826
#: A twentieth of the usual latency is nothing to tell anybody.
MIN_SHARE = 0.05
#: Of failed checks in an hour: below it errors are never at their edge.
MIN_ERRORS = 0.1
#: A machine's clock and scheduler make as much, whatever the service does.
MIN_LATENCY_MS = 1e-3
#: Known values that a feature needs before it is judged.
MIN_KNOWN = 144
#: Of the last checks, when so many are odd it is the new usual.
SHIFTED_SHARE = 0.7
SEED = 7


@dataclass(frozen=True, slots=True)
class Rules:
    """How strict the judgement is; `benchmarks/anomaly.py` tells how it was chosen."""

    #: The ratio from which on a feature is odd.
    threshold: float = 2.5
    #: The quantile that counts as the edge of the past.
    edge: float = 0.995
    #: How much of the past the forest must find less odd.
    forest_edge: float = 0.99
    trees: int = 15
    history: timedelta = timedelta(days=7)
    refit: timedelta = timedelta(days=1)
    #: Before this nothing is judged.
    learning: timedelta = timedelta(days=1)
    #: A change that lasts so long is the new usual.
    settled: timedelta = timedelta(hours=12)
    #: After so long without anything odd, the next odd check is another episode.
    quiet: timedelta = timedelta(hours=12)
    #: So many episodes alike within `history` are a habit, and no longer told.
    habit: int = 2
    #: What comes so near to the same time of another day is one the second time.
    same_time: timedelta = timedelta(minutes=30)
    #: Alike: at least this share as odd.
    alike: float = 0.7


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found at each check: arrays of shape (n_checks, n_features) or (n,)."""

    features: Numbers
    #: In units of the edge; 0 where a feature was not judged.
    ratios: Numbers
    #: The median of the past.
    usual: Numbers
    odd: Flags
    #: Whether there was enough past to judge.
    judged: Flags


@dataclass(frozen=True, slots=True)
class Oddness:
    """One feature of an episode where it was oddest."""

    feature: Feature
    #: How many times the edge of the past.
    ratio: float
    value: float
    usual: float


@dataclass(frozen=True, slots=True)
class Episode:
    """A time in which a service was odd. Indexes are those of the series."""

    began: int
    #: Where it was found odd enough to be told; None when it is a habit.
    raised: int | None
    ended: int
    #: The oddest first.
    oddness: tuple[Oddness, ...]
    #: Which checks were odd.
    odd: tuple[int, ...] = field(repr=False)

    @property
    def score(self) -> float:
        """How odd it was: the largest ratio."""
        return self.oddness[0].ratio


@dataclass(frozen=True, slots=True)
class Past:
    """What a service's past makes usual, per feature."""

    usual: Numbers
    upper: Numbers
    lower: Numbers
    #: Features that were known often enough.
    known: Flags

    def measure(self, features: Numbers) -> Numbers:
        """Measure how far features are from usual, signed; 0 where not known."""
        away = features - self.usual
        ratios = np.where(away >= 0, away / self.upper, away / self.lower)
        return np.where(np.isnan(ratios) | ~self.known, 0.0, ratios)


def scan(series: Series, rules: Rules) -> Scan:
    """Judge each check by the checks before it.

    What was odd is left out of the past that later checks are judged by, or a second
    failure would look usual; unless it lasts, and so is the new usual.
    """
    features = build_features(series)
    count, at, latency = len(series), series.at, fill_gaps(series.latency_ms)
    ratios, usual = np.zeros(features.shape), np.full(features.shape, np.nan)
    odd, judged = np.zeros(count, bool), np.zeros(count, bool)
    usable = np.ones(count, bool)
    origin = begin = 0
    while begin < count:
        # Nothing is judged until a whole day is known, at the start and after a shift.
        learnt = _find(at, at[origin] + rules.learning.total_seconds())
        begin = max(begin, learnt)
        if begin >= count:
            break
        end = _find_refit(at, begin, rules)
        first = max(origin, _find(at, at[begin] - rules.history.total_seconds()))
        past = features[first:begin][usable[first:begin]]
        if len(past) >= MIN_KNOWN:
            block = slice(begin, end)
            limits = learn(past, rules.edge)
            signed = limits.measure(features[block])
            _forgive_returns(signed, latency[block], features[block], limits, rules)
            ratios[block], usual[block] = np.abs(signed), limits.usual
            odd[block] = _judge(limits, past, signed, rules)
            usable[block] = (ratios[block] < rules.threshold).all(axis=1)
            judged[block] = True
            lately = _find(at, at[end - 1] - rules.settled.total_seconds())
            if lately > origin and (~usable[lately:end]).mean() > SHIFTED_SHARE:
                origin = lately
                usable[lately:end] = True
                forget_days(features, at, origin)
        begin = end
    return Scan(features, ratios, usual, odd, judged)


def learn(past: Numbers, edge: float) -> Past:
    """Learn what is usual; past: shape (n_checks, n_features), NaN if unknown."""
    # A feature in one piece of memory each: to be put in order in a fifth of the time.
    ordered = np.sort(np.ascontiguousarray(past.T), axis=1)
    known = (~np.isnan(past)).sum(axis=0)
    usual = _quantile(ordered, known, 0.5)
    # What is unknown stays last.
    distances = np.sort(np.abs(ordered - usual[:, np.newaxis]), axis=1)
    deviation = MAD_SCALE * _quantile(distances, known, 0.5)
    level = abs(float(usual[FEATURES.index(Feature.LEVEL)]))
    floor = np.full(len(FEATURES), max(MIN_SHARE * level, MIN_LATENCY_MS))
    floor[FEATURES.index(Feature.ERRORS)] = MIN_ERRORS
    least = np.maximum(MIN_DEVIATIONS * deviation, floor)
    return Past(
        usual,
        np.maximum(_quantile(ordered, known, edge) - usual, least),
        np.maximum(usual - _quantile(ordered, known, 1 - edge), least),
        known >= MIN_KNOWN,
    )


def find_episodes(series: Series, found: Scan, rules: Rules) -> tuple[Episode, ...]:
    """Join odd checks into episodes; those that are habits have `raised` None."""
    odd = np.flatnonzero(found.odd)
    if not len(odd):
        return ()
    breaks = np.flatnonzero(np.diff(series.at[odd]) > rules.quiet.total_seconds()) + 1
    episodes: list[Episode] = []
    for group in np.split(odd, breaks):
        since = series.at[group[0]] - rules.history.total_seconds()
        before = [one for one in episodes if series.at[one.ended] >= since]
        raised = (
            int(index)
            for index, peak in zip(group, found.ratios[group].max(axis=1), strict=True)
            if not _is_habit(series, before, int(group[0]), peak, rules)
        )
        episodes.append(
            Episode(
                began=int(group[0]),
                raised=next(raised, None),
                ended=int(group[-1]),
                oddness=_explain(found, group, rules),
                odd=tuple(int(index) for index in group),
            )
        )
    return tuple(episodes)


def _forgive_returns(
    signed: Numbers, latency: Numbers, features: Numbers, past: Past, rules: Rules
) -> None:
    """Take back, in place, what is a step only because it leads back to the usual.

    After two slow hours the first quick answer is a jump, and the level falls for six
    hours: so a step counts only where it leads to a place that is away from usual, by
    half of what it takes to be odd.
    """
    level = FEATURES.index(Feature.LEVEL)
    places = {Feature.JUMP: latency, Feature.TREND: features[:, level]}
    for feature, place in places.items():
        column = FEATURES.index(feature)
        away = place - past.usual[level]
        edge = np.where(away >= 0, past.upper[column], past.lower[column])
        signed[np.abs(away) < rules.threshold / 2 * edge, column] = 0.0


def _judge(limits: Past, past: Numbers, now: Numbers, rules: Rules) -> Flags:
    """Say which checks are odd: by ratio, and by the forest of that aspect.

    past: features; now: ratios.
    """
    odd = np.zeros(len(now), bool)
    # Most services have nothing far out, and cost no forest: that keeps it cheap.
    if not (np.abs(now) >= rules.threshold).any():
        return odd
    ratios = limits.measure(past)
    for aspect in ASPECTS:
        columns = [FEATURES.index(feature) for feature in aspect]
        far = (np.abs(now[:, columns]) >= rules.threshold).any(axis=1)
        # What another aspect has found odd needs no second forest to say so.
        asked = np.flatnonzero(far & ~odd)
        if len(asked):
            found = _isolate(ratios[:, columns], now[asked][:, columns], rules)
            odd[asked] = found
    return odd


def _isolate(past: Numbers, now: Numbers, rules: Rules) -> Flags:
    """Say which rows a forest finds at least as odd as the oddest of the past."""
    from sklearn import config_context
    from sklearn.ensemble import IsolationForest

    # Of small forests its checks of arguments, tree by tree, are half the time.
    with config_context(assume_finite=True, skip_parameter_validation=True):
        forest = IsolationForest(
            n_estimators=rules.trees,
            max_samples=min(256, len(past)),
            random_state=SEED,
        ).fit(past)
        scores = forest.score_samples(np.concatenate([past, now]))
    limit = np.quantile(scores[: len(past)], 1 - rules.forest_edge)
    return np.asarray(scores[len(past) :] <= limit, dtype=np.bool_)


def _is_habit(
    series: Series, before: Sequence[Episode], began: int, peak: float, rules: Rules
) -> bool:
    """Say whether the week has seen this: a backup, or an opening hour, comes daily."""
    alike = [one for one in before if one.score >= rules.alike * peak]
    half = DAY_S / 2
    return len(alike) >= rules.habit or any(
        abs((series.at[began] - series.at[one.began] + half) % DAY_S - half)
        <= rules.same_time.total_seconds()
        for one in alike
    )


def _explain(found: Scan, group: NDArray[np.intp], rules: Rules) -> tuple[Oddness, ...]:
    """List the features that went beyond the threshold, the oddest first."""
    peaks: Mapping[Feature, int] = {
        feature: int(group[int(np.argmax(found.ratios[group, column]))])
        for column, feature in enumerate(FEATURES)
    }
    reasons = [
        Oddness(
            feature,
            float(found.ratios[index, FEATURES.index(feature)]),
            float(found.features[index, FEATURES.index(feature)]),
            float(found.usual[index, FEATURES.index(feature)]),
        )
        for feature, index in peaks.items()
        if found.ratios[index, FEATURES.index(feature)] >= rules.threshold
    ]
    return tuple(sorted(reasons, key=lambda reason: -reason.ratio))


def _quantile(ordered: Numbers, known: NDArray[np.intp], share: float) -> Numbers:
    """Pick each row's quantile; the unknown are sorted to its end."""
    places = np.floor(share * np.maximum(known - 1, 0) + 0.5).astype(np.intp)
    return np.asarray(ordered[np.arange(len(ordered)), places], dtype=np.float64)


def _find(at: Numbers, instant: float) -> int:
    return int(np.searchsorted(at, instant))


def _find_refit(at: Numbers, begin: int, rules: Rules) -> int:
    """Find where the past is learnt anew: at fixed times of day.

    An analysis that begins elsewhere in the same history then judges alike.
    """
    refit_s = rules.refit.total_seconds()
    return max(begin + 1, _find(at, (at[begin] // refit_s + 1) * refit_s))
