"""A day has one date in each calendar."""

from datetime import date, timedelta

import pytest

from retrieval.text.calendars import is_jalali_leap, jalali_to_gregorian


@pytest.mark.parametrize(
    ("jalali", "gregorian"),
    [
        ((1300, 1, 1), date(1921, 3, 21)),
        ((1357, 11, 22), date(1979, 2, 11)),
        ((1399, 12, 30), date(2021, 3, 20)),
        ((1400, 1, 1), date(2021, 3, 21)),
        ((1403, 12, 30), date(2025, 3, 20)),
        ((1405, 1, 1), date(2026, 3, 21)),
        ((1405, 8, 12), date(2026, 11, 3)),
        ((1408, 12, 30), date(2030, 3, 20)),
    ],
)
def test_known_days(jalali: tuple[int, int, int], gregorian: date) -> None:
    assert jalali_to_gregorian(*jalali) == gregorian


def test_every_day_of_two_centuries_follows_the_one_before() -> None:
    expected = date(1921, 3, 21)
    for year in range(1300, 1500):
        for month in range(1, 13):
            last = 31 if month <= 6 else 30
            last = 29 if month == 12 and not is_jalali_leap(year) else last
            for day in range(1, last + 1):
                assert jalali_to_gregorian(year, month, day) == expected
                expected += timedelta(days=1)


@pytest.mark.parametrize("day", [(1405, 13, 1), (1405, 7, 31), (1200, 1, 1)])
def test_what_is_no_day_is_refused(day: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"no d"):
        jalali_to_gregorian(*day)
