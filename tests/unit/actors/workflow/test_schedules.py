"""When schedules fire: month ends, leap days, changes of clocks, and never twice."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.workflow.definition import Frequency, Scheduled
from actors.workflow.schedules import next_occurrence, occurrences_between

TEHRAN = "Asia/Tehran"
BERLIN = "Europe/Berlin"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def fires(schedule: Scheduled, zone: str, after: datetime, count: int) -> list[str]:
    """Return the next instants, in UTC."""
    found = []
    at: datetime | None = after
    for _ in range(count):
        assert at is not None
        at = next_occurrence(schedule, zone, at)
        found.append("never" if at is None else f"{at:%Y-%m-%d %H:%M}")
        if at is None:
            break
    return found


def test_once_is_once() -> None:
    once = Scheduled(date(2026, 3, 21), "09:00")
    assert fires(once, TEHRAN, LONG_AGO, 2) == ["2026-03-21 05:30", "never"]


def test_daily_is_by_the_tenants_clock() -> None:
    daily = Scheduled(date(2026, 3, 28), "08:00", Frequency.DAILY)
    assert fires(daily, BERLIN, LONG_AGO, 3) == [
        "2026-03-28 07:00",
        "2026-03-29 06:00",
        "2026-03-30 06:00",
    ]


def test_weekly_keeps_its_weekday() -> None:
    weekly = Scheduled(date(2026, 3, 4), "10:00", Frequency.WEEKLY)
    after = datetime(2026, 4, 1, tzinfo=UTC)
    assert fires(weekly, TEHRAN, after, 2) == ["2026-04-01 06:30", "2026-04-08 06:30"]


def test_the_31st_is_the_last_day_of_shorter_months() -> None:
    monthly = Scheduled(date(2026, 1, 31), "00:00", Frequency.MONTHLY)
    assert fires(monthly, "UTC", LONG_AGO, 5) == [
        "2026-01-31 00:00",
        "2026-02-28 00:00",
        "2026-03-31 00:00",
        "2026-04-30 00:00",
        "2026-05-31 00:00",
    ]


def test_a_leap_day_is_the_28th_in_other_years() -> None:
    yearly = Scheduled(date(2024, 2, 29), "12:00", Frequency.YEARLY)
    assert fires(yearly, "UTC", LONG_AGO, 5) == [
        "2024-02-29 12:00",
        "2025-02-28 12:00",
        "2026-02-28 12:00",
        "2027-02-28 12:00",
        "2028-02-29 12:00",
    ]


def test_w4_a_yearly_schedule_does_not_fire_again_at_each_scan() -> None:
    """W4: yearly schedules fired again at every scan."""
    yearly = Scheduled(date(2026, 3, 21), "09:00", Frequency.YEARLY)
    done = datetime(2026, 3, 21, 5, 30, tzinfo=UTC)
    fired = 0
    for minute in range(1, 600):
        scan = done + timedelta(minutes=minute)
        fired += len(occurrences_between(yearly, TEHRAN, done, scan, 10))
        done = max(done, scan)
    assert fired == 0
    next_year = next_occurrence(yearly, TEHRAN, done)
    assert next_year == datetime(2027, 3, 21, 5, 30, tzinfo=UTC)


def test_a_time_that_does_not_exist_is_the_first_moment_after() -> None:
    daily = Scheduled(date(2026, 3, 29), "02:30", Frequency.DAILY)
    assert fires(daily, BERLIN, LONG_AGO, 2) == [
        "2026-03-29 01:00",
        "2026-03-30 00:30",
    ]


def test_a_time_that_exists_twice_fires_once() -> None:
    daily = Scheduled(date(2026, 10, 25), "02:30", Frequency.DAILY)
    assert fires(daily, BERLIN, LONG_AGO, 2) == [
        "2026-10-25 00:30",
        "2026-10-26 01:30",
    ]


def test_the_newest_are_caught_up_with() -> None:
    daily = Scheduled(date(2026, 1, 1), "12:00", Frequency.DAILY)
    until = datetime(2026, 1, 10, tzinfo=UTC)
    found = occurrences_between(daily, "UTC", LONG_AGO, until, 2)
    assert [at.day for at in found] == [8, 9]


@given(
    start=st.dates(date(2000, 1, 1), date(2060, 1, 1)),
    at=st.times(),
    frequency=st.sampled_from(Frequency),
    zone=st.sampled_from((TEHRAN, BERLIN, "UTC", "America/New_York", "Asia/Kolkata")),
    after=st.datetimes(datetime(1999, 1, 1), datetime(2070, 1, 1)),  # noqa: DTZ001
)
def test_every_occurrence_is_later_and_the_next_one_after_it(
    start: date, at: object, frequency: Frequency, zone: str, after: datetime
) -> None:
    schedule = Scheduled(start, f"{at:%H:%M}", frequency)
    begin = after.replace(tzinfo=UTC)
    first = next_occurrence(schedule, zone, begin)
    if first is None:
        assert frequency is Frequency.ONCE
        return
    assert first > begin
    just_before = next_occurrence(schedule, zone, first - timedelta(microseconds=1))
    assert just_before == first
    second = next_occurrence(schedule, zone, first)
    assert (second is None) == (frequency is Frequency.ONCE)
    assert second is None or second > first


@pytest.mark.parametrize("frequency", [Frequency.DAILY, Frequency.YEARLY])
def test_it_does_not_begin_before_its_start(frequency: Frequency) -> None:
    later = Scheduled(date(2030, 1, 1), "00:00", frequency)
    assert fires(later, "UTC", LONG_AGO, 1) == ["2030-01-01 00:00"]
