"""The Jalali and the Gregorian calendar, turned into each other."""

from datetime import date, timedelta

#: Leap years of the 33-year cycle, which is exact from 1178 to 1633.
_LEAP_REMAINDERS = frozenset((1, 5, 9, 13, 17, 22, 26, 30))
_CYCLE_YEARS = 33
_LONG_MONTHS = 6
# 1 Farvardin 1300.
_EPOCH_YEAR, _EPOCH = 1300, date(1921, 3, 21)


def is_jalali_leap(year: int) -> bool:
    """Tell whether Esfand has thirty days in a Jalali year from 1178 to 1633."""
    return year % _CYCLE_YEARS in _LEAP_REMAINDERS


def jalali_to_gregorian(year: int, month: int, day: int) -> date:
    """Return the Gregorian date of a Jalali one, from 1300 to 1499.

    By hand: 1405/01/01 is 2026-03-21.

    Raises:
        ValueError: there is no such day, or the year lies outside.
    """
    if not 1300 <= year < 1500 or not 1 <= month <= 12:
        message = f"{year}/{month}/{day} is no date from 1300 to 1499"
        raise ValueError(message)
    last = 31 if month <= _LONG_MONTHS else 30
    if month == 12 and not is_jalali_leap(year):
        last = 29
    if not 1 <= day <= last:
        message = f"{year}/{month} has no day {day}"
        raise ValueError(message)
    days = sum(366 if is_jalali_leap(y) else 365 for y in range(_EPOCH_YEAR, year))
    days += (month - 1) * 30 + min(month - 1, _LONG_MONTHS) + day - 1
    return _EPOCH + timedelta(days=days)
