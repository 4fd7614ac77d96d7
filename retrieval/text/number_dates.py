"""Dates, Jalali and Gregorian, written with figures or with the month's name."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from retrieval.text.number_tokens import Form, Token, read_date_parts
from retrieval.text.number_types import Number, NumberKind
from retrieval.text.number_values import is_near, read_value
from retrieval.text.number_words import AND, MONTHS, read_ordinal

_MAX_DAY = 31
_MONTHS = 12
_JALALI_YEARS = range(1300, 1500)


class DateRead(NamedTuple):
    """A date, and the place of the piece behind it."""

    number: Number
    next: int


def read_named_date(tokens: Sequence[Token], place: int) -> DateRead | None:
    """Read «۱۲ آبان ۱۴۰۵» or `November 3, 2026`."""
    return _read_month_first(tokens, place) or _read_day_first(tokens, place)


def read_figure_date(token: Token) -> Number:
    """Read `1405/08/12` or `3/11/2026`; the day comes first where both fit."""
    first, month, last = read_date_parts(token.text)
    year, day = (first, last) if len(first) == 4 else (last, first)
    numbers = (int(year), int(month), int(day))
    others: tuple[Decimal, ...] = ()
    if numbers[1] > _MONTHS:
        numbers = (numbers[0], numbers[2], numbers[1])  # month first, as in the US
    elif len(first) != 4 and numbers[2] <= _MONTHS:
        others = (_date_value(numbers[0], numbers[2], numbers[1]),)
    calendar = "jalali" if numbers[0] in _JALALI_YEARS else "gregorian"
    return Number(
        _date_value(*numbers),
        NumberKind.DATE,
        token.start,
        token.end,
        calendar,
        others=others,
    )


def _date_value(year: int, month: int, day: int) -> Decimal:
    return Decimal(year * 10_000 + month * 100 + day)


def _read_day_first(tokens: Sequence[Token], place: int) -> DateRead | None:
    """Read «۱۲ آبان ۱۴۰۵», «دوازدهم آبان», `3 November 2026`, `3rd of May`."""
    day, following = _read_day(tokens, place)
    if day is None:
        return None
    skipped = ("st", "nd", "rd", "th", "of", "م", "ام")
    while following < len(tokens) and tokens[following].text in skipped:
        following += 1
    month = _month_at(tokens, following)
    if month is None:
        return None
    following += 1
    if following < len(tokens) and tokens[following].text == "ماه":
        following += 1
    return _date_found(tokens, place, following, month, day)


def _read_day(tokens: Sequence[Token], place: int) -> tuple[int | None, int]:
    token = tokens[place]
    ordinal = read_ordinal(token.text) if token.form is Form.WORD else None
    if ordinal is not None:
        return ordinal, place + 1
    reading = read_value(tokens, place)
    if reading is None or reading.value != int(reading.value):
        return None, place
    day, following = int(reading.value), reading.end
    # «بیست و پنجم آبان»
    if (
        following + 1 < len(tokens)
        and tokens[following].text in AND
        and day in (20, 30)
    ):
        ordinal = read_ordinal(tokens[following + 1].text)
        if ordinal is not None and ordinal < 10:
            day, following = day + ordinal, following + 2
    return (day if 1 <= day <= _MAX_DAY else None), following


def _read_month_first(tokens: Sequence[Token], place: int) -> DateRead | None:
    """Read `November 3, 2026`."""
    month = _month_at(tokens, place)
    if month is None or month[0] != "gregorian" or place + 1 >= len(tokens):
        return None
    numeral = tokens[place + 1].numeral
    if numeral is None or not is_near(tokens[place + 1].gap):
        return None
    if not (1 <= numeral.value <= _MAX_DAY and numeral.value == int(numeral.value)):
        return None
    following = place + 2
    while following < len(tokens) and tokens[following].text in (
        "st",
        "nd",
        "rd",
        "th",
    ):
        following += 1
    return _date_found(tokens, place, following, month, int(numeral.value))


def _month_at(tokens: Sequence[Token], place: int) -> tuple[str, int] | None:
    if place >= len(tokens) or tokens[place].form is not Form.WORD:
        return None
    return MONTHS.get(tokens[place].text)


def _date_found(
    tokens: Sequence[Token],
    place: int,
    following: int,
    month: tuple[str, int],
    day: int,
) -> DateRead:
    year = 0
    if following < len(tokens) and (numeral := tokens[following].numeral) is not None:
        is_beside = tokens[following].gap.strip(" ،,") == ""
        if is_beside and len(tokens[following].text) == 4:
            year, following = int(numeral.value), following + 1
    number = Number(
        _date_value(year, month[1], day),
        NumberKind.DATE,
        tokens[place].start,
        tokens[following - 1].end,
        month[0],
    )
    return DateRead(number, following)
