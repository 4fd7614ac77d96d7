"""Accumulates results by hour and by day, with sketches of their latencies.

A sketch counts latencies in buckets that grow by a tenth: small, mergeable, percentiles
within 5 %. The idea is DDSketch's (Masson, Rim, Lee 2019): with buckets that grow by a
constant factor the relative error of every quantile is bounded, whatever the
distribution.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from persistence.ids import ServiceId, TenantId
from persistence.monitor import CheckRow, RollupRow, RollupUnit
from persistence.rollups import GAMMA

Key = tuple[ServiceId, RollupUnit, datetime]

_LOG_GAMMA = math.log(GAMMA)
#: 0.01 ms and a little more than ten minutes.
MIN_BUCKET, MAX_BUCKET = -48, 141


def bucket_of(latency_ms: float) -> int:
    """Return the bucket: b holds what is above 1.1^(b-1) and not above 1.1^b ms."""
    if latency_ms <= 0:
        return MIN_BUCKET
    bucket = math.ceil(math.log(latency_ms) / _LOG_GAMMA)
    return min(max(bucket, MIN_BUCKET), MAX_BUCKET)


def middle_of(bucket: int) -> float:
    """Return the latency in milliseconds that represents a bucket."""
    return float(GAMMA ** (bucket - 0.5))


def quantile(counts: Mapping[int, int], share: float) -> float | None:
    """Return the latency below which the share, 0 to 1, lies; None of nothing.

    By nearest rank: of 20 values the 95th percentile is the 19th.
    """
    total = sum(counts.values())
    if not total:
        return None
    rank = max(math.ceil(share * total), 1)
    seen = 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen >= rank:
            return middle_of(bucket)
    return None


def hour_of(at: datetime) -> datetime:
    """Return the start of the hour."""
    return at.replace(minute=0, second=0, microsecond=0)


def day_of(at: datetime) -> datetime:
    """Return the start of the day."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def keys_of(row: CheckRow) -> tuple[Key, Key]:
    """Return the hour and the day that a result belongs to."""
    return (
        (row.service_id, RollupUnit.HOUR, hour_of(row.checked_at)),
        (row.service_id, RollupUnit.DAY, day_of(row.checked_at)),
    )


@dataclass(slots=True)
class RollupSum:
    """The sums of an hour or a day so far."""

    tenant_id: TenantId
    checks: int = 0
    passed: int = 0
    excused: int = 0
    latency_sum_ms: float = 0.0
    counts: Counter[int] = field(default_factory=Counter)

    def add(self, row: CheckRow, *, is_excused: bool) -> None:
        """Add a result; an excused one counts as a check, but for no figure."""
        self.checks += 1
        if is_excused:
            self.excused += 1
        elif row.ok:
            self.passed += 1
            if row.latency_ms is not None:
                self.latency_sum_ms += row.latency_ms
                self.counts[bucket_of(row.latency_ms)] += 1


class RollupAccumulator:
    """The current hours and days of all services."""

    def __init__(self) -> None:
        self._sums: dict[Key, RollupSum] = {}

    def needs_load(self, row: CheckRow) -> bool:
        """True if the stored rollups must be loaded before this result can be added."""
        return any(key not in self._sums for key in keys_of(row))

    def load(self, rows: Iterable[CheckRow], stored: Iterable[RollupRow]) -> None:
        """Start from the stored rollups of the results' hours and days."""
        for row in rows:
            for key in keys_of(row):
                self._sums.setdefault(key, RollupSum(row.tenant_id))
        for rollup in stored:
            key = (rollup.service_id, rollup.unit, rollup.starts_at)
            self._sums[key] = RollupSum(
                rollup.tenant_id,
                rollup.checks,
                rollup.passed,
                rollup.excused,
                rollup.latency_sum_ms,
                Counter(dict(zip(rollup.buckets, rollup.counts, strict=True))),
            )

    def add(self, row: CheckRow, *, is_excused: bool) -> tuple[Key, Key]:
        """Add a result to its hour and its day; return their keys."""
        keys = keys_of(row)
        for key in keys:
            self._sums[key].add(row, is_excused=is_excused)
        return keys

    def build_row(self, key: Key) -> RollupRow:
        """Return the row of an hour or a day."""
        total = self._sums[key]
        service_id, unit, starts_at = key
        return RollupRow(
            tenant_id=total.tenant_id,
            service_id=service_id,
            unit=unit,
            starts_at=starts_at,
            checks=total.checks,
            passed=total.passed,
            excused=total.excused,
            latency_sum_ms=total.latency_sum_ms,
            buckets=tuple(total.counts),
            counts=tuple(total.counts.values()),
        )

    def forget(self, at: datetime) -> None:
        """Drop past hours and days: a month of them would fill the memory."""
        over = [
            key
            for key in self._sums
            if key[2] < (hour_of(at) if key[1] is RollupUnit.HOUR else day_of(at))
            and at - key[2] > timedelta(hours=2)
        ]
        for key in over:
            del self._sums[key]

    def clear(self) -> None:
        """Drop everything: the database may know better."""
        self._sums.clear()
