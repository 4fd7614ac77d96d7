"""Whether a figure of an answer stands in what was read, in whatever writing."""

import re
from collections.abc import Iterable
from decimal import Decimal

from persiantools.jdatetime import JalaliDate

from retrieval.text.numbers import Number, NumberKind, read_numbers

_HOUR_MINUTES = 60
_HALF_DAY_MINUTES = 12 * _HOUR_MINUTES
_RIALS = 10
#: Nothing costs so few toman: the thousands were left out.
_SPOKEN_BELOW = 1000
#: Sizes of units in the smallest of their measure; what stands apart is not compared.
_SCALES = {
    "minute": ("time", 1),
    "hour": ("time", 60),
    "day": ("time", 60 * 24),
    "week": ("time", 60 * 24 * 7),
    "month": ("months", 1),
    "year": ("months", 12),
    "milligram": ("weight", 1),
    "gram": ("weight", 1_000),
    "kilogram": ("weight", 1_000_000),
    "ton": ("weight", 1_000_000_000),
    "millimetre": ("length", 1),
    "centimetre": ("length", 10),
    "metre": ("length", 1_000),
    "kilometre": ("length", 1_000_000),
    "millilitre": ("volume", 1),
    "litre": ("volume", 1_000),
    "megabyte": ("memory", 1),
    "gigabyte": ("memory", 1_024),
    "toman": ("iran", _RIALS),
    "rial": ("iran", 1),
}
_DIALLED = frozenset((NumberKind.PHONE, NumberKind.CARD, NumberKind.SHEBA))
#: Digits of a phone number without its area code.
_MIN_LOCAL_DIGITS = 7
_BETWEEN_GROUPS = re.compile("[ \u00a0\u2009\u202f,،.٫٬'’_/]+")


def stands_in(said: Number, known: Iterable[Number]) -> bool:
    """Tell whether one of the known numbers is the one that was said.

    Money needs money or a bare figure (a cell of a table); a percentage, a duration and
    a measure likewise, so that «۷ روز» is no source for «۷ درصد». A bare figure may
    come from anything but a number to dial or to pay to.
    """
    return any(_is_same(said, number) for number in known)


def parts_stand_in(text: str, said: Number, known: Iterable[Number]) -> bool:
    """Tell whether a figure is a row of known ones, as sizes are: `100,105,110`."""
    written = text[said.start : said.end]
    rows = _BETWEEN_GROUPS.sub("\n", written)
    parts = read_numbers(rows)
    known = tuple(known)
    return len(parts) > 1 and all(stands_in(part, known) for part in parts)


def _is_same(said: Number, known: Number) -> bool:
    if said.kind in _DIALLED or known.kind in _DIALLED:
        return _is_same_line(said, known)
    if NumberKind.DATE in (said.kind, known.kind):
        return _is_same_day(said, known)
    if NumberKind.TIME in (said.kind, known.kind):
        return _is_same_time(said, known)
    if said.kind is NumberKind.PLAIN or known.kind is NumberKind.PLAIN:
        return _share_value(_readings(said), _readings(known))
    if said.kind is not known.kind:
        return False
    if said.kind is NumberKind.MONEY:
        return _is_same_price(said, known)
    if said.kind is NumberKind.COUNT or said.unit == known.unit:
        return _share_value(_readings(said), _readings(known))
    return _share_value(_in_smallest(said), _in_smallest(known))


def _is_same_price(said: Number, known: Number) -> bool:
    """Compare amounts; the shop's own «۴۹۵ تومن» is known to mean 495 thousand."""
    values = list(_readings(known))
    if known.unit == "toman" and known.value < _SPOKEN_BELOW:
        values.append(known.value * _SPOKEN_BELOW)
    meant = [_scaled(value, known.unit) for value in values]
    spoken = [_scaled(value, said.unit) for value in _readings(said)]
    return _share_value(spoken, meant)


def _readings(number: Number) -> tuple[Decimal, ...]:
    return (number.value, *number.others)


def _in_smallest(number: Number) -> list[tuple[str, Decimal]]:
    return [_scaled(value, number.unit) for value in _readings(number)]


def _scaled(value: Decimal, unit: str) -> tuple[str, Decimal]:
    measure, size = _SCALES.get(unit, (unit, 1))
    return measure, value * size


def _share_value(some: Iterable[object], others: Iterable[object]) -> bool:
    return not set(some).isdisjoint(others)


def _is_same_line(said: Number, known: Number) -> bool:
    if said.digits and known.digits:
        return said.digits == known.digits
    if said.digits:
        return known.kind is NumberKind.PLAIN and known.value == int(said.digits)
    local = str(said.value)
    is_local = said.kind is NumberKind.PLAIN and len(local) >= _MIN_LOCAL_DIGITS
    return is_local and known.digits.endswith(local)


def _is_same_day(said: Number, known: Number) -> bool:
    if said.kind is known.kind:
        days = {day for value in _readings(known) for day in _days(value, known.unit)}
        return any(
            _is_one_day(day, other)
            for value in _readings(said)
            for day in _days(value, said.unit)
            for other in days
        )
    # «سال ۱۴۰۵» of a whole date; never a whole date of a bare figure.
    parts = _parts(known.value) if known.kind is NumberKind.DATE else ()
    return said.kind is NumberKind.PLAIN and said.value in parts


def _parts(value: Decimal) -> tuple[int, int, int]:
    whole = int(value)
    return whole // 10_000, whole // 100 % 100, whole % 100


def _days(value: Decimal, calendar: str) -> list[tuple[str, int, int, int]]:
    """List a date in its own calendar and, where its year is known, in the other."""
    year, month, day = _parts(value)
    days = [(calendar, year, month, day)]
    if calendar == "jalali" and year:
        try:
            other = JalaliDate(year, month, day).to_gregorian()
        except ValueError:
            return days
        days.append(("gregorian", other.year, other.month, other.day))
    return days


def _is_one_day(a: tuple[str, int, int, int], b: tuple[str, int, int, int]) -> bool:
    years = {a[1], b[1]} - {0}
    return a[0] == b[0] and a[2:] == b[2:] and len(years) <= 1


def _is_same_time(said: Number, known: Number) -> bool:
    times = [number for number in (said, known) if number.kind is NumberKind.TIME]
    if len(times) == 2:
        same_half = said.unit == known.unit or "" in (said.unit, known.unit)
        gap = abs(said.value - known.value)
        return gap == 0 or (same_half and gap % _HALF_DAY_MINUTES == 0)
    plain = known if said.kind is NumberKind.TIME else said
    gap = abs(times[0].value - plain.value * _HOUR_MINUTES)
    return plain.kind is NumberKind.PLAIN and gap in (0, _HALF_DAY_MINUTES)
