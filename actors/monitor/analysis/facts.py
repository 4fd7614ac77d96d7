"""Builds the facts of a period in numbers: everything that a digest may state."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from actors.monitor.analysis.anomaly import (
    AnomalySettings,
    Deviation,
    Episode,
    detect,
    find_episodes,
)
from actors.monitor.analysis.features import Flags, Series
from persistence.ids import ResultId, ServiceId

WEEK = timedelta(days=7)
#: Failed checks in a row that count as an outage.
OUTAGE_CHECKS = 3
#: The longest outages of a service that a digest lists.
MAX_OUTAGES = 5


@dataclass(frozen=True, slots=True)
class Span:
    """A period of time without its end."""

    begin: datetime
    end: datetime

    def before(self, by: timedelta) -> "Span":
        """Return a period of the same length, earlier."""
        return Span(self.begin - by, self.end - by)


@dataclass(frozen=True, slots=True)
class Figures:
    """A service's checks in a span; latencies are of checks that passed."""

    checks: int
    failed: int
    p50_ms: float | None
    p95_ms: float | None

    @property
    def uptime(self) -> float | None:
        """The share of passed checks; None without checks."""
        return None if not self.checks else 1 - self.failed / self.checks


@dataclass(frozen=True, slots=True)
class Outage:
    """A series of failed checks."""

    began_at: datetime
    ended_at: datetime
    checks: int
    #: Whether it continues at the end of the period.
    is_open: bool


@dataclass(frozen=True, slots=True)
class DatedEpisode:
    """An episode of anomalous checks, with dates; the largest deviation first."""

    began_at: datetime
    ended_at: datetime
    deviations: tuple[Deviation, ...]
    #: Known from earlier in the week, so there is no alert.
    is_recurring: bool
    #: The instants of the anomalous checks.
    checked_at: tuple[datetime, ...] = field(repr=False, default=())
    result_ids: tuple[ResultId, ...] = ()

    @property
    def score(self) -> float:
        """The largest ratio; see Deviation."""
        return self.deviations[0].ratio


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """One service; `service_id` is None for all of them together."""

    service_id: ServiceId | None
    name: str
    now: Figures
    #: The same period a week before; None without data.
    week_before: Figures | None
    episodes: tuple[DatedEpisode, ...]
    outages: tuple[Outage, ...]
    #: There is too little history to detect anomalies.
    is_learning: bool

    @property
    def anomalies(self) -> tuple[DatedEpisode, ...]:
        """The episodes that are not recurring."""
        return tuple(one for one in self.episodes if not one.is_recurring)


@dataclass(frozen=True, slots=True)
class DigestFacts:
    """All services of a tenant in a period."""

    period: Span
    #: All together: latency is an index, where 100 is each service's own median.
    overall: ServiceFacts
    services: tuple[ServiceFacts, ...]


def build_service_facts(
    service_id: ServiceId | None,
    name: str,
    series: Series,
    period: Span,
    settings: AnomalySettings,
) -> ServiceFacts:
    """Build a service's facts; the series includes the history before the period."""
    detection = detect(series, settings)
    now, past = _within(series, period), _within(series, period.before(WEEK))
    return ServiceFacts(
        service_id=service_id,
        name=name,
        now=build_figures(series, now),
        week_before=build_figures(series, past) if past.any() else None,
        episodes=tuple(
            _date(series, one)
            for one in find_episodes(series, detection, settings)
            if _is_within(series, one, period)
        ),
        outages=_find_outages(series, now),
        is_learning=bool(now.any()) and not detection.judged[now].any(),
    )


def build_figures(series: Series, wanted: Flags) -> Figures:
    """Compute the figures of some of the checks."""
    passed = series.failed[wanted] == 0
    latencies = series.latency_ms[wanted][passed]
    latencies = latencies[~np.isnan(latencies)]
    p50, p95 = (
        (float(one) for one in np.quantile(latencies, (0.5, 0.95)))
        if len(latencies)
        else (None, None)
    )
    return Figures(int(wanted.sum()), int((~passed).sum()), p50, p95)


def build_overall(
    services: Sequence[Series], step: timedelta = timedelta(minutes=5)
) -> Series:
    """Join services into one series: the median of their relative latencies.

    An index of 100 means that half of the services are slower than their own median,
    and half are quicker; `failed` is the share of failed checks.
    """
    known = [one for one in services if len(one)]
    if not known:
        return Series(np.empty(0), np.empty(0), np.empty(0))
    indexes = [_index(one) for one in known]
    at = np.concatenate([one.at for one in known])
    latency, failed = np.concatenate(indexes), np.concatenate([s.failed for s in known])
    slots, place = np.unique(at // step.total_seconds(), return_inverse=True)
    counts = np.bincount(place)
    order = np.lexsort((latency, place))
    # NaN sorts last within its slot: the median is of the services that answered.
    answered = np.bincount(place, weights=~np.isnan(latency)).astype(np.intp)
    begins = np.concatenate([[0], np.cumsum(counts)[:-1]])
    middle = latency[order][begins + np.maximum(answered - 1, 0) // 2]
    return Series(
        slots * step.total_seconds(),
        np.where(answered > 0, middle, np.nan),
        np.bincount(place, weights=failed) / counts,
    )


def instant(at: float) -> datetime:
    """Return the instant of so many seconds since 1970."""
    return datetime.fromtimestamp(at, tz=UTC)


def _index(one: Series) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    known = one.latency_ms[~np.isnan(one.latency_ms)]
    usual = float(np.median(known)) if len(known) else 1.0
    return one.latency_ms * (100 / max(usual, 1e-3))


def _within(series: Series, span: Span) -> Flags:
    begin, end = span.begin.timestamp(), span.end.timestamp()
    return np.asarray((series.at >= begin) & (series.at < end), dtype=np.bool_)


def _is_within(series: Series, one: Episode, period: Span) -> bool:
    """True if an episode overlaps the period."""
    begin, end = period.begin.timestamp(), period.end.timestamp()
    return bool(series.at[one.ended] >= begin and series.at[one.began] < end)


def _date(series: Series, one: Episode) -> DatedEpisode:
    return DatedEpisode(
        began_at=instant(series.at[one.began]),
        ended_at=instant(series.at[one.ended]),
        deviations=one.deviations,
        is_recurring=one.raised is None,
        checked_at=tuple(instant(series.at[index]) for index in one.anomalous),
    )


def _find_outages(series: Series, wanted: Flags) -> tuple[Outage, ...]:
    indexes = np.flatnonzero(wanted)
    failed = series.failed[indexes] >= 1
    edges = np.flatnonzero(np.diff(np.concatenate([[False], failed, [False]])))
    outages = [
        Outage(
            instant(series.at[indexes[begin]]),
            instant(series.at[indexes[end - 1]]),
            int(end - begin),
            is_open=bool(end == len(indexes)),
        )
        for begin, end in zip(edges[::2], edges[1::2], strict=True)
        if end - begin >= OUTAGE_CHECKS
    ]
    longest = sorted(outages, key=lambda one: -one.checks)[:MAX_OUTAGES]
    return tuple(sorted(longest, key=lambda one: one.began_at))
