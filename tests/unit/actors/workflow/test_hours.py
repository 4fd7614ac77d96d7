"""Business hours: weekdays, nights, exceptions, changes of clocks."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from actors.workflow.definition import BusinessHours, ExceptionDay, OpenHours
from actors.workflow.hours import check_hours, is_open

TEHRAN = ZoneInfo("Asia/Tehran")
DAY = (OpenHours("09:00", "13:00"), OpenHours("16:00", "20:00"))
NIGHT = (OpenHours("20:00", "02:00"),)
#: Thursday is a half day, on Friday it is closed.
WEEK = (DAY, DAY, DAY, (OpenHours("09:00", "13:00"),), (), DAY, DAY)
SHOP = BusinessHours("Asia/Tehran", WEEK)


def tehran(day: int, hour: int, minute: int = 0) -> datetime:
    """Return an instant of March 2026 by Tehran's clock; the 2nd is a Monday."""
    return datetime(2026, 3, day, hour, minute, tzinfo=TEHRAN)


@pytest.mark.parametrize(
    ("at", "is_expected"),
    [
        (tehran(2, 9), True),
        (tehran(2, 8, 59), False),
        (tehran(2, 13), False),
        (tehran(2, 12, 59), True),
        (tehran(2, 14), False),
        (tehran(2, 16), True),
        (tehran(5, 17), False),
        (tehran(6, 10), False),
        (tehran(7, 10), True),
        (datetime(2026, 3, 2, 6, tzinfo=UTC), True),
        (datetime(2026, 3, 2, 5, tzinfo=UTC), False),
    ],
)
def test_a_week(at: datetime, *, is_expected: bool) -> None:
    assert is_open(SHOP, at) is is_expected


def test_without_a_week_it_is_always_open() -> None:
    assert is_open(BusinessHours(), tehran(6, 3))


def test_a_night_ends_on_the_next_day() -> None:
    cafe = BusinessHours("Asia/Tehran", (NIGHT, (), (), (), (), (), ()))
    assert is_open(cafe, tehran(2, 23))
    assert is_open(cafe, tehran(3, 1, 59))
    assert not is_open(cafe, tehran(3, 2))
    assert not is_open(cafe, tehran(2, 1))


def test_midnight_may_be_the_days_end() -> None:
    all_day = (OpenHours("00:00", "24:00"),)
    kiosk = BusinessHours("Asia/Tehran", (all_day, (), (), (), (), (), ()))
    assert is_open(kiosk, tehran(2, 23, 59))
    assert not is_open(kiosk, tehran(3, 0))


def test_an_exception_replaces_the_weekday() -> None:
    holiday = ExceptionDay(date(2026, 3, 21))
    short = ExceptionDay(date(2026, 3, 6), (OpenHours("10:00", "12:00"),))
    shop = BusinessHours("Asia/Tehran", WEEK, (holiday, short))
    assert not is_open(shop, tehran(21, 10))
    assert is_open(shop, tehran(6, 11))
    assert not is_open(shop, tehran(6, 13))


def test_hours_are_the_clocks_on_both_sides_of_a_change() -> None:
    berlin = BusinessHours("Europe/Berlin", (DAY,) * 7)
    # Clocks go forward on the 29th of March.
    assert is_open(berlin, datetime(2026, 3, 28, 8, tzinfo=UTC))
    assert is_open(berlin, datetime(2026, 3, 30, 7, tzinfo=UTC))
    assert not is_open(berlin, datetime(2026, 3, 28, 7, tzinfo=UTC))


@pytest.mark.parametrize(
    ("hours", "word"),
    [
        (BusinessHours("Tehran"), "time_zone"),
        (BusinessHours("../etc/passwd"), "time_zone"),
        (BusinessHours("Asia/Tehran", (DAY,)), "week"),
        (
            BusinessHours("Asia/Tehran", WEEK, (ExceptionDay(date(2026, 1, 1)),) * 2),
            "exceptions",
        ),
    ],
)
def test_what_is_wrong_is_named(hours: BusinessHours, word: str) -> None:
    assert (check_hours(hours) or "").startswith(word)


def test_nothing_is_wrong_with_a_shops_hours() -> None:
    assert check_hours(SHOP) is None
    assert check_hours(BusinessHours()) is None
