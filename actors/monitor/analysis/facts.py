"""What happened to services in a period, in numbers: all that a digest may say."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from actors.monitor.analysis.anomaly import Episode, Oddness, Rules, find_episodes, scan
from actors.monitor.analysis.features import Flags, Series
from persistence.ids import ResultId, ServiceId

WEEK = timedelta(days=7)
#: So many failed checks in a row are an outage.
OUTAGE_CHECKS = 3
#: Of a service, in one digest; the longest.
MAX_OUTAGES = 5


@dataclass(frozen=True, slots=True)
class Span:
    """A time, with its end not included."""

    begin: datetime
    end: datetime

    def before(self, by: timedelta) -> "Span":
        """Return the same time, so much earlier."""
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
        """The share that passed; None when there was no check."""
        return None if not self.checks else 1 - self.failed / self.checks


@dataclass(frozen=True, slots=True)
class Outage:
    """Checks that failed in a row."""

    began_at: datetime
    ended_at: datetime
    checks: int
    #: Whether it goes on at the end of the span.
    is_open: bool


@dataclass(frozen=True, slots=True)
class OddTime:
    """A time in which something was odd; the oddest feature first."""

    began_at: datetime
    ended_at: datetime
    oddness: tuple[Oddness, ...]
    #: It came before in the same week, so nobody is alarmed.
    is_habit: bool
    #: When the odd checks were.
    checked_at: tuple[datetime, ...] = field(repr=False, default=())
    result_ids: tuple[ResultId, ...] = ()

    @property
    def score(self) -> float:
        """How many times the edge of the past."""
        return self.oddness[0].ratio


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """One service; `service_id` is None for all of them together."""

    service_id: ServiceId | None
    name: str
    now: Figures
    #: The same time a week ago; None when nothing is known of it.
    week_before: Figures | None
    odd: tuple[OddTime, ...]
    outages: tuple[Outage, ...]
    #: There is too little past to say what is odd.
    is_learning: bool

    @property
    def anomalies(self) -> tuple[OddTime, ...]:
        """What is odd, without the habits."""
        return tuple(one for one in self.odd if not one.is_habit)


@dataclass(frozen=True, slots=True)
class DigestFacts:
    """All services of a tenant in a period."""

    period: Span
    #: All together: their latency is an index, 100 is each one's own usual.
    overall: ServiceFacts
    services: tuple[ServiceFacts, ...]


def build_service_facts(
    service_id: ServiceId | None,
    name: str,
    series: Series,
    period: Span,
    rules: Rules,
) -> ServiceFacts:
    """Say what happened; the series holds the period and what was known before."""
    found = scan(series, rules)
    now, past = _within(series, period), _within(series, period.before(WEEK))
    return ServiceFacts(
        service_id=service_id,
        name=name,
        now=build_figures(series, now),
        week_before=build_figures(series, past) if past.any() else None,
        odd=tuple(
            _date(series, one)
            for one in find_episodes(series, found, rules)
            if _is_within(series, one, period)
        ),
        outages=_find_outages(series, now),
        is_learning=bool(now.any()) and not found.judged[now].any(),
    )


def build_figures(series: Series, wanted: Flags) -> Figures:
    """Count and measure some of the checks."""
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
    """Join services into one: the median of their latencies, as a share of their own.

    An index of 100 means that half of them are slower than usual for them, and half are
    quicker; `failed` is the share of failed checks.
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
    # NaN sorts last within its slot: the middle is of those that answered.
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
    """Say whether an episode touches the period."""
    begin, end = period.begin.timestamp(), period.end.timestamp()
    return bool(series.at[one.ended] >= begin and series.at[one.began] < end)


def _date(series: Series, one: Episode) -> OddTime:
    return OddTime(
        began_at=instant(series.at[one.began]),
        ended_at=instant(series.at[one.ended]),
        oddness=one.oddness,
        is_habit=one.raised is None,
        checked_at=tuple(instant(series.at[index]) for index in one.odd),
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
