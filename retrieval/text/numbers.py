"""Numbers are read however they are written: digits of three scripts, groups, words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

from retrieval.text.number_dates import read_figure_date, read_named_date
from retrieval.text.number_tokens import Form, Token, tokenise
from retrieval.text.number_types import Number, NumberKind
from retrieval.text.number_values import Reading, is_near, read_value
from retrieval.text.number_words import (
    AND,
    CLOCK,
    HALF,
    HALVES,
    MAX_UNIT_WORDS,
    NO_OR_NINE,
    SCALES,
    SMALL,
    THOUSAND,
    UP_TO,
    WEEKDAY,
    ZWNJ,
    Unit,
    find_unit,
)

__all__ = ["Number", "NumberKind", "read_numbers", "spoken_values"]

#: The passages of a question are read for each answer to it; whole documents are not.
_REMEMBERED_TEXTS = 256
_REMEMBERED_CHARS = 8_000
_HOURS = 24
_NOON = 12
_HOUR_MINUTES = 60
#: «۴۹۵ تومن» is no price of today: the thousands go without saying.
_SPOKEN_BELOW = 1000
#: «۲ تومن» for a coat is two millions.
_MILLIONS_BELOW = 100
_SPOKEN_MILLIONS = range(1, 20)
_HUNDRED = 100
#: Marks that stand for a decimal point where what follows says so.
_POINTS = frozenset("/,،")
_DECIMALS = 2


def read_numbers(text: str) -> tuple[Number, ...]:
    """Read all numbers of a text, in order.

    Digits in links, mail addresses, names of accounts and codes (`VIP20`) are none.
    By hand: «۱٫۲۸۰٫۰۰۰ تومان», `1,280,000 tomans`, «یک میلیون و ۲۸۰ هزار تومن» are one
    number; «یک میلیون و ۲۰۰» is 1,200,000; `1.46 million` is 1,460,000.
    """
    return _remembered(text) if len(text) <= _REMEMBERED_CHARS else _read(text)


def _read(text: str) -> tuple[Number, ...]:
    tokens = tokenise(text)
    numbers: list[_Found] = []
    place = 0
    while place < len(tokens):
        found = _read_at(tokens, place)
        if found is None:
            place += 1
            continue
        _share_unit(tokens, numbers, found)
        numbers.append(found)
        place = found.next
    return tuple(found.number for found in numbers)


_remembered = lru_cache(maxsize=_REMEMBERED_TEXTS)(_read)


def spoken_values(number: Number) -> tuple[Decimal, ...]:
    """List what a number may mean in customers' speech, the likeliest reading first.

    By hand: «۴۹۵ تومن» is 495 or 495,000; «۲ تومن» is 2, 2,000 or 2,000,000. Only
    amounts of toman, and numbers without a unit, are shortened so.
    """
    values = [number.value, *number.others]
    is_amount = number.unit == "toman" or number.kind is NumberKind.PLAIN
    if is_amount and 0 < number.value < _SPOKEN_BELOW:
        values.append(number.value * THOUSAND)
        if number.value < _MILLIONS_BELOW:
            values.append(number.value * THOUSAND * THOUSAND)
    return tuple(dict.fromkeys(values))


@dataclass(slots=True)
class _Found:
    """A number, the pieces that it took, and whether its reading used a scale."""

    number: Number
    first: int
    next: int
    scale: int = 0
    has_own_unit: bool = False


def _read_at(tokens: Sequence[Token], place: int) -> _Found | None:
    token = tokens[place]
    match token.form:
        case Form.SHEBA | Form.CARD | Form.PHONE:
            return _Found(_read_digits(token), place, place + 1, has_own_unit=True)
        case Form.DATE:
            return _Found(read_figure_date(token), place, place + 1, has_own_unit=True)
        case Form.CLOCK:
            return _read_clock(tokens, place)
        case Form.NUMERAL | Form.WORD:
            date = read_named_date(tokens, place)
            if date is not None:
                return _Found(date.number, place, date.next, has_own_unit=True)
            return _read_amount(tokens, place)
        case _:
            return None


def _read_digits(token: Token) -> Number:
    digits = "".join(character for character in token.text if character.isdigit())
    if token.form is Form.PHONE:
        digits = _national(digits, has_plus=token.text.startswith("+"))
    kind = NumberKind(token.form.value)
    return Number(Decimal(digits), kind, token.start, token.end, digits=digits)


def _national(digits: str, *, has_plus: bool) -> str:
    """Write a phone number as in its country: 0098912…, +98912… and 912… as 0912…."""
    if digits.startswith("00"):
        digits, has_plus = digits[2:], True
    if has_plus:
        return "0" + digits[2:].lstrip("0") if digits.startswith("98") else digits
    is_mobile_without_zero = len(digits) == 10 and digits.startswith("9")
    return f"0{digits}" if is_mobile_without_zero else digits


def _read_clock(tokens: Sequence[Token], place: int) -> _Found:
    token = tokens[place]
    hours, minutes = map(int, token.text.split(":")[:2])
    value = Decimal(hours * _HOUR_MINUTES + minutes)
    number = Number(value, NumberKind.TIME, token.start, token.end)
    unit, after = _unit_after(tokens, place + 1)
    half = unit.name if unit is not None and unit.kind == NumberKind.TIME else ""
    following = after if half else place + 1
    return _Found(_on_the_clock(number, half), place, following, has_own_unit=True)


def _on_the_clock(number: Number, half: str) -> Number:
    """Make a number the minutes of a time; `half` is am, pm or not named."""
    value = number.value
    if half == "pm" and value < _NOON * _HOUR_MINUTES:
        value += _NOON * _HOUR_MINUTES
    if not half and value > _NOON * _HOUR_MINUTES:
        half = "pm"
    return replace(number, value=value, kind=NumberKind.TIME, unit=half, others=())


def _read_amount(tokens: Sequence[Token], place: int) -> _Found | None:
    reading = read_value(tokens, place)
    if reading is None:
        return None
    reading = _join_spoken(tokens, _join_slash(tokens, reading))
    end = reading.end
    unit, after = _unit_after(tokens, end)
    is_clock = place > 0 and tokens[place - 1].text in CLOCK
    if _is_no_number(tokens, reading, has_unit=unit is not None or is_clock):
        return None
    value, others = reading.value, reading.others
    if unit is not None and unit.kind in _FRACTIONAL and others and not reading.total:
        value, others = others[0], (value,)
    sign = tokens[place - 1] if place and is_near(tokens[place].gap) else None
    first = tokens[place]
    number = Number(
        value,
        NumberKind.PLAIN,
        first.start,
        tokens[reading.end - 1].end,
        is_in_words=not reading.has_figures,
        others=others,
    )
    has_unit = False
    if unit is not None:
        number, has_unit = _with_unit(number, unit), True
    elif sign is not None and sign.form is Form.SIGN and (own := find_unit(sign.text)):
        number, has_unit = _with_unit(number, own), True
    if is_clock and number.kind in (NumberKind.PLAIN, NumberKind.TIME):
        number = _hour(number, number.unit)
        has_unit = True
    return _Found(number, place, max(after, end), reading.last_scale, has_unit)


_FRACTIONAL = frozenset((NumberKind.PERCENT, NumberKind.MEASURE, NumberKind.DURATION))


def _with_unit(number: Number, unit: Unit) -> Number:
    kind = NumberKind(unit.kind)
    if kind is NumberKind.TIME:
        return _hour(number, unit.name)
    return replace(number, kind=kind, unit=unit.name)


def _hour(number: Number, half: str) -> Number:
    if number.kind is NumberKind.TIME or number.value > _HOURS:
        return number
    return _on_the_clock(replace(number, value=number.value * _HOUR_MINUTES), half)


def _unit_after(tokens: Sequence[Token], place: int) -> tuple[Unit | None, int]:
    """Find the unit that begins at a place, the longest one first."""
    words: list[str] = []
    best: tuple[Unit | None, int] = (None, place)
    for following in range(place, min(place + MAX_UNIT_WORDS, len(tokens))):
        token = tokens[following]
        if token.form not in (Form.WORD, Form.SIGN) or not is_near(token.gap):
            break
        words.append(token.text)
        unit = find_unit(" ".join(words))
        if unit is not None and not _is_range(tokens, following):
            best = (unit, following + 1)
    return best


def _is_range(tokens: Sequence[Token], place: int) -> bool:
    """Tell «سه تا پنج» from «سه تا»."""
    if tokens[place].text not in UP_TO or place + 1 >= len(tokens):
        return False
    following = tokens[place + 1]
    is_number = following.form is Form.NUMERAL or following.text in SMALL | SCALES
    return (is_number and following.text not in NO_OR_NINE) or following.text in HALVES


def _is_no_number(tokens: Sequence[Token], reading: Reading, *, has_unit: bool) -> bool:
    """Tell words that merely contain a number word: «سه‌شنبه», «هیچ‌یک», «نه»."""
    if reading.has_figures:
        return False
    first, last = tokens[reading.first], tokens[reading.end - 1]
    if reading.value == HALF and not (has_unit or reading.last_scale):
        return True
    if first is last and first.text in NO_OR_NINE and not has_unit:
        return True
    if first.gap == ZWNJ and first.start and reading.first:
        previous = tokens[reading.first - 1]
        if previous.form is Form.WORD and previous.text not in AND:
            return True
    if reading.end < len(tokens):
        following = tokens[reading.end]
        is_glued = following.gap == ZWNJ and following.text not in AND
        return following.text == WEEKDAY or (is_glued and not has_unit)
    return False


def _join_slash(tokens: Sequence[Token], reading: Reading) -> Reading:
    """Read «۱/۵ کیلو» and «۱،۵ میلیون» as one and a half.

    A slash is a decimal point before a unit, a comma before a magnitude only: sizes
    stand in a row with commas.
    """
    end = reading.end
    if end >= len(tokens) or end - reading.first != 1:
        return reading
    numeral, fraction = tokens[reading.first].numeral, tokens[end].numeral
    if numeral is None or fraction is None or fraction.mark not in _POINTS:
        return reading
    following = end + 1
    is_scaled = following < len(tokens) and tokens[following].text in SCALES
    unit, _ = _unit_after(tokens, following)
    is_unit = unit is not None and unit.kind != NumberKind.COUNT
    is_amount = is_scaled or (is_unit and fraction.mark == "/")
    if not is_amount or numeral.mark in _POINTS or len(tokens[end].text) > _DECIMALS:
        return reading
    value = Decimal(f"{int(numeral.value)}.{tokens[end].text}")
    reading.open, reading.end = value, following
    if is_scaled and reading.take(tokens[following], joined=False):
        reading.end += 1
    return reading


def _join_spoken(tokens: Sequence[Token], reading: Reading) -> Reading:
    """Read «یک و دویست تومن» as 1,200, which in speech is 1,200 thousand."""
    following = reading.end + 1
    is_short = not reading.last_scale and reading.value in _SPOKEN_MILLIONS
    if not is_short or following >= len(tokens):
        return reading
    if tokens[reading.end].text not in AND or not is_near(tokens[following].gap):
        return reading
    tail = read_value(tokens, following)
    if tail is None or tail.last_scale or not _HUNDRED <= tail.value < THOUSAND:
        return reading
    unit, _ = _unit_after(tokens, tail.end)
    if unit is None or unit.name != "toman":
        return reading
    reading.open = reading.value * THOUSAND + tail.value
    reading.others = (reading.open * THOUSAND,)
    reading.end, reading.last_scale = tail.end, THOUSAND
    reading.has_figures = reading.has_figures or tail.has_figures
    return reading


def _share_unit(tokens: Sequence[Token], numbers: list[_Found], found: _Found) -> None:
    """Give both ends of a range one unit: «۲۰۰ تا ۳۰۰ هزار تومان», «ساعت ۹ تا ۱۷»."""
    if not numbers or not _is_joined(tokens, numbers[-1], found):
        return
    before = numbers[-1]
    low, high = before.number, found.number
    if found.has_own_unit and not before.has_own_unit and high.kind not in _WHOLE:
        if high.kind is NumberKind.TIME:
            before.number = _hour(low, "")
            return
        value, others = low.value, low.others
        if found.scale and not before.scale and value < THOUSAND:
            value, others = value * found.scale, (value,)
        before.number = replace(
            low, value=value, kind=high.kind, unit=high.unit, others=others
        )
    elif not found.has_own_unit and low.kind is NumberKind.TIME:
        found.number = _hour(high, "")
        found.has_own_unit = True


_WHOLE = frozenset(
    (NumberKind.DATE, NumberKind.PHONE, NumberKind.CARD, NumberKind.SHEBA)
)


def _is_joined(tokens: Sequence[Token], before: _Found, found: _Found) -> bool:
    between = tokens[before.next : found.first]
    gap = tokens[found.first].gap.strip(" \u00a0" + ZWNJ)
    if not between:
        return gap in ("-", "–", "—", "~")
    return len(between) == 1 and between[0].text in UP_TO and not gap
