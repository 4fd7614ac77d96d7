"""Adds results up by hour and by day, as long as these go on."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from actors.monitor.sketch import bucket_of
from persistence.ids import ServiceId, TenantId
from persistence.monitor import CheckRow, RollupRow, RollupUnit

Key = tuple[ServiceId, RollupUnit, datetime]


def hour_of(at: datetime) -> datetime:
    """Return when the hour began."""
    return at.replace(minute=0, second=0, microsecond=0)


def day_of(at: datetime) -> datetime:
    """Return when the day began."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def keys_of(row: CheckRow) -> tuple[Key, Key]:
    """Return the hour and the day that a result belongs to."""
    return (
        (row.service_id, RollupUnit.HOUR, hour_of(row.checked_at)),
        (row.service_id, RollupUnit.DAY, day_of(row.checked_at)),
    )


@dataclass(slots=True)
class Sum:
    """One hour or day so far."""

    tenant_id: TenantId
    checks: int = 0
    passed: int = 0
    excused: int = 0
    latency_sum_ms: float = 0.0
    counts: Counter[int] = field(default_factory=Counter)

    def add(self, row: CheckRow, *, is_excused: bool) -> None:
        """Add a result; an excused one is counted, and counts for nothing."""
        self.checks += 1
        if is_excused:
            self.excused += 1
        elif row.ok:
            self.passed += 1
            if row.latency_ms is not None:
                self.latency_sum_ms += row.latency_ms
                self.counts[bucket_of(row.latency_ms)] += 1


class Tally:
    """The hours and days that go on, of all services."""

    def __init__(self) -> None:
        self._sums: dict[Key, Sum] = {}

    def lacks(self, row: CheckRow) -> bool:
        """Say whether the database must be asked first what there is."""
        return any(key not in self._sums for key in keys_of(row))

    def load(self, rows: Iterable[CheckRow], stored: Iterable[RollupRow]) -> None:
        """Begin with what is stored for the results' hours and days."""
        for row in rows:
            for key in keys_of(row):
                self._sums.setdefault(key, Sum(row.tenant_id))
        for rollup in stored:
            key = (rollup.service_id, rollup.unit, rollup.starts_at)
            self._sums[key] = Sum(
                rollup.tenant_id,
                rollup.checks,
                rollup.passed,
                rollup.excused,
                rollup.latency_sum_ms,
                Counter(dict(zip(rollup.buckets, rollup.counts, strict=True))),
            )

    def add(self, row: CheckRow, *, is_excused: bool) -> tuple[Key, Key]:
        """Add a result to its hour and its day; return which these are."""
        keys = keys_of(row)
        for key in keys:
            self._sums[key].add(row, is_excused=is_excused)
        return keys

    def build_row(self, key: Key) -> RollupRow:
        """Return what is to be stored of one hour or day."""
        found = self._sums[key]
        service_id, unit, starts_at = key
        return RollupRow(
            tenant_id=found.tenant_id,
            service_id=service_id,
            unit=unit,
            starts_at=starts_at,
            checks=found.checks,
            passed=found.passed,
            excused=found.excused,
            latency_sum_ms=found.latency_sum_ms,
            buckets=tuple(found.counts),
            counts=tuple(found.counts.values()),
        )

    def forget(self, at: datetime) -> None:
        """Drop what is over: a month of hours would fill the memory."""
        over = [
            key
            for key in self._sums
            if key[2] < (hour_of(at) if key[1] is RollupUnit.HOUR else day_of(at))
            and at - key[2] > timedelta(hours=2)
        ]
        for key in over:
            del self._sums[key]

    def clear(self) -> None:
        """Forget all: the database knows better."""
        self._sums.clear()
