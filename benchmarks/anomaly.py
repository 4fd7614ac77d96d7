"""Measures anomaly detection on labelled series, beside two plain rolling rules.

    python -m benchmarks.anomaly --data ../shared/data/nab

Every rule sees the past only, and the first day of a series has no alarms. An alarm is
one instant: anomalous checks closer than `quiet` are one episode with one alarm. A
labelled window is found when an alarm lies within it; an alarm in no window is false.
The plain rules are tuned (window, threshold, quiet, k of n, recurring) on the series of
`--tune` for their best F1; ours runs as shipped. Other series are reported apart.
"""

import argparse
import csv
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import orjson
from numpy.lib.stride_tricks import sliding_window_view

from actors.monitor.analysis.anomaly import (
    AnomalySettings,
    Detection,
    detect,
    find_episodes,
)
from actors.monitor.analysis.features import (
    FEATURES,
    Flags,
    Numbers,
    Series,
    build_series,
    rolling_quantile,
)

TUNED_ON = (
    "ec2_request_latency_system_failure",
    "rds_cpu_utilization_cc0c53",
    "TravelTime_387",
)
DAY_S = timedelta(days=1).total_seconds()
#: A rolling rule's window, in checks: three hours, half a day, a day.
WINDOWS = (36, 144, 288)
THRESHOLDS = (3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 14.0, 20.0)
QUIET = (timedelta(hours=6), timedelta(hours=12))
#: So many of so many checks must be anomalous.
DEBOUNCES = ((1, 1), (2, 3), (3, 5))
NEVER_RECURRING = 10_000
RECURRING = (NEVER_RECURRING, AnomalySettings().recurring)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A series with the windows in which something was wrong."""

    name: str
    series: Series
    windows: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of one rule on some series."""

    windows: int = 0
    found: int = 0
    false: int = 0
    days: float = 0.0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.windows + other.windows,
            self.found + other.found,
            self.false + other.false,
            self.days + other.days,
        )

    @property
    def f1(self) -> float:
        """Of windows found, windows missed and false alarms."""
        total = self.windows + self.found + self.false
        return 2 * self.found / total if total else 1.0

    def __str__(self) -> str:
        recall = f"{self.found}/{self.windows}"
        a_day = self.false / self.days if self.days else 0.0
        return (
            f"recall {recall:>5}  false {self.false:>3} ({a_day:.3f}/day,"
            f" {7 * a_day:.2f}/week)  F1 {self.f1:.3f}"
        )


@dataclass(frozen=True, slots=True)
class Plain:
    """A rolling rule: a distance in deviations over a window of checks before."""

    robust: bool
    window: int
    threshold: float
    quiet: timedelta
    debounce: tuple[int, int]
    recurring: int

    def __str__(self) -> str:
        name = "median/MAD" if self.robust else "z-score"
        never = self.recurring == NEVER_RECURRING
        recurring = "never recurring" if never else f"recurring {self.recurring}"
        hours = self.quiet.total_seconds() / 3600
        return (
            f"rolling {name}: {self.window} checks, > {self.threshold:g},"
            f" {self.debounce[0]} of {self.debounce[1]}, quiet {hours:g} h,"
            f" {recurring}"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/nab"))
    parser.add_argument("--tune", nargs="*", default=list(TUNED_ON))
    options = parser.parse_args()
    labelled = load_labelled(options.data)
    tuned = [one for one in labelled if one.name in options.tune]
    others = [one for one in labelled if one.name not in options.tune]
    ours = {one.name: tally_ours(one) for one in labelled}
    results: list[tuple[str, dict[str, Tally]]] = [("ours, as shipped", ours)]
    for robust in (False, True):
        distances = {
            (one.name, window): measure_distances(one.series, window, robust=robust)
            for one in labelled
            for window in WINDOWS
        }
        rule = tune_plain(tuned, distances, robust=robust)
        tallies = {
            one.name: tally_plain(one, distances[one.name, rule.window], rule)
            for one in labelled
        }
        results.append((str(rule), tallies))
    for title, tallies in results:
        print(f"\n{title}")
        for group, members in (("tuned on", tuned), ("others", others)):
            for one in members:
                print(f"  {one.name:<40} {tallies[one.name]}")
            print(f"  = {group:<38} {add(tallies[one.name] for one in members)}")
        quiet = [one for one in labelled if not one.windows]
        print(f"  = {'no anomalies':<38} {add(tallies[one.name] for one in quiet)}")


def add(tallies: Iterable[Tally]) -> Tally:
    """Add tallies up."""
    total = Tally()
    for tally in tallies:
        total += tally
    return total


def load_labelled(folder: Path) -> tuple[Labelled, ...]:
    """Load every series that `windows.json` names."""
    labels: Mapping[str, Sequence[Sequence[str]]] = orjson.loads(
        (folder / "windows.json").read_bytes()
    )
    return tuple(
        _load(folder / name, windows)
        for name, windows in sorted(labels.items())
        if (folder / name).exists()
    )


def tally_ours(one: Labelled, settings: AnomalySettings | None = None) -> Tally:
    """Judge a series by the shipped rules."""
    settings = settings or AnomalySettings()
    episodes = find_episodes(one.series, detect(one.series, settings), settings)
    return _tally(one, [e.raised for e in episodes if e.raised is not None])


def tally_plain(one: Labelled, distances: Numbers, rule: Plain) -> Tally:
    """Judge a series by a rolling rule, with the same episodes as ours."""
    needed, of = rule.debounce
    far = distances >= rule.threshold
    lately = np.convolve(far, np.ones(of), mode="full")[: len(far)]
    anomalous = far & (lately >= needed) & (one.series.at >= one.series.at[0] + DAY_S)
    settings = replace(AnomalySettings(), quiet=rule.quiet, recurring=rule.recurring)
    if rule.recurring == NEVER_RECURRING:
        settings = replace(settings, same_time=-timedelta.resolution)
    episodes = find_episodes(one.series, _as_detection(anomalous, distances), settings)
    return _tally(one, [e.raised for e in episodes if e.raised is not None])


def tune_plain(
    tuned: Sequence[Labelled],
    distances: Mapping[tuple[str, int], Numbers],
    *,
    robust: bool,
) -> Plain:
    """Find the rolling rule with the best F1; of equals the one with fewest alarms."""
    rules = [
        Plain(robust, *chosen)
        for chosen in itertools.product(
            WINDOWS, THRESHOLDS, QUIET, DEBOUNCES, RECURRING
        )
    ]

    def value(rule: Plain) -> tuple[float, int]:
        total = add(
            tally_plain(one, distances[one.name, rule.window], rule) for one in tuned
        )
        return total.f1, -total.false

    return max(rules, key=value)


def measure_distances(series: Series, window: int, *, robust: bool) -> Numbers:
    """Measure each value in deviations from the `window` values before it."""
    values = series.latency_ms
    distances = np.zeros(len(values))
    if len(values) <= window:
        return distances
    if robust:
        middle = rolling_quantile(values, window, 0.5)[window - 1 : -1]
        before = sliding_window_view(values, window)[:-1]
        spread = 1.4826 * np.median(np.abs(before - middle[:, None]), axis=1)
    else:
        before = sliding_window_view(values, window)[:-1]
        middle, spread = before.mean(axis=1), before.std(axis=1)
    distances[window:] = np.abs(values[window:] - middle) / np.maximum(spread, 1e-9)
    return distances


def _as_detection(anomalous: Flags, distances: Numbers) -> Detection:
    ratios = np.zeros((len(anomalous), len(FEATURES)))
    ratios[:, 0] = distances
    return Detection(
        ratios, ratios, np.zeros_like(ratios), anomalous, np.ones(len(anomalous), bool)
    )


def _tally(one: Labelled, raised: Sequence[int]) -> Tally:
    at = one.series.at
    inside = [
        [begin <= at[index] <= end for begin, end in one.windows] for index in raised
    ]
    found = sum(any(row[w] for row in inside) for w in range(len(one.windows)))
    return Tally(
        windows=len(one.windows),
        found=found,
        false=sum(not any(row) for row in inside),
        days=(at[-1] - at[0]) / DAY_S - 1,
    )


def _load(path: Path, windows: Sequence[Sequence[str]]) -> Labelled:
    with path.open(encoding="utf-8", newline="") as file:
        rows = [
            (_parse(row["timestamp"]), row["value"]) for row in csv.DictReader(file)
        ]
    return Labelled(
        path.stem,
        build_series([at for at, _ in rows], [float(value) for _, value in rows]),
        tuple((_parse(begin), _parse(end)) for begin, end in windows),
    )


def _parse(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


if __name__ == "__main__":
    main()
