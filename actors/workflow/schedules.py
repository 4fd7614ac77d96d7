"""The instants at which a schedule fires, by the tenant's clock."""

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from actors.workflow.definition import Frequency, Scheduled


def next_occurrence(
    schedule: Scheduled, time_zone: str, after: datetime
) -> datetime | None:
    """Return the first instant after `after`, in UTC; None if there is none any more.

    A schedule on the 31st fires on the last day of shorter months, and one on the 29th
    of February on the 28th of other years. A time that a change of clocks leaves out
    is the first instant behind the gap; one that comes twice fires the first time.
    """
    zone = ZoneInfo(time_zone)
    # Two days early: the clocks of a zone are a day away from UTC at most.
    begin = after.astimezone(zone).date() - timedelta(days=2)
    for day in _days_from(schedule, begin):
        at = _instant(day, schedule, zone)
        if at > after:
            return at
    return None


def occurrences_between(
    schedule: Scheduled, time_zone: str, after: datetime, until: datetime, limit: int
) -> tuple[datetime, ...]:
    """Return the newest instants after `after` up to `until`, at most `limit`."""
    found: list[datetime] = []
    at = next_occurrence(schedule, time_zone, after)
    while at is not None and at <= until:
        found.append(at)
        at = next_occurrence(schedule, time_zone, at)
    return tuple(found[-limit:])


def _instant(day: date, schedule: Scheduled, zone: ZoneInfo) -> datetime:
    hour, minute = map(int, schedule.time.split(":"))
    at = datetime.combine(day, time(hour, minute), zone).astimezone(UTC)
    # In a gap the offset before it is taken, which names an instant behind it: as much
    # behind as the time lies in the gap. The first instant behind is wanted.
    local = at.astimezone(zone)
    is_in_gap = local.replace(tzinfo=None) != datetime.combine(day, time(hour, minute))
    return _end_of_gap(at, zone) if is_in_gap else at


def _end_of_gap(at: datetime, zone: ZoneInfo) -> datetime:
    """Return the change of clocks before `at`, found by halving; gaps are short."""
    low, high = at - timedelta(hours=25), at
    offset = high.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return high.replace(microsecond=0)


def _days_from(schedule: Scheduled, begin: date) -> Iterator[date]:
    """Yield the schedule's days from a day on; those of the past are stepped over."""
    start = schedule.start
    match schedule.frequency:
        case Frequency.ONCE:
            yield start
        case Frequency.DAILY:
            yield from _every(start, begin, 1)
        case Frequency.WEEKLY:
            yield from _every(start, begin, 7)
        case Frequency.MONTHLY:
            yield from _months(start, begin)
        case Frequency.YEARLY:
            for year in range(max(start.year, begin.year - 1), date.max.year):
                yield _in_month(year, start.month, start.day)


def _every(start: date, begin: date, days: int) -> Iterator[date]:
    passed = max(0, (begin - start).days)
    day = start + timedelta(days=passed - passed % days)
    while day.year < date.max.year:
        yield day
        day += timedelta(days=days)


def _months(start: date, begin: date) -> Iterator[date]:
    first = start.year * 12 + start.month - 1
    month = max(first, begin.year * 12 + begin.month - 2)
    while month // 12 < date.max.year:
        yield _in_month(month // 12, month % 12 + 1, start.day)
        month += 1


def _in_month(year: int, month: int, day: int) -> date:
    """Return the day of the month, or its last one."""
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))
