"""Figures of digits, however their groups are marked: `۱٫۲۸۰٫۰۰۰`, `980 000`, `4.6`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

#: One digit group behind another: the marks that people put between them. U+066B and
#: U+066C are told apart by the groups, not by the mark: keyboards mix them up.
_GROUP = re.compile("([.,،٫٬'’_/ \u00a0\u2009\u202f])?([0-9]+)")
#: Where a figure may begin, with all groups that may belong to it.
CHAIN = "[0-9]+(?:[.,،٫٬'’_/ \u00a0\u2009\u202f][0-9]+)*"
_BLANKS = frozenset(" \u00a0\u2009\u202f")
_DECIMAL_MARKS = frozenset(".٫٬")
#: Marks that stand for a decimal point as often as between thousands.
_EITHER = frozenset(".٫")
_ARABIC_MARKS = frozenset("٫٬")


@dataclass(frozen=True, slots=True)
class Numeral:
    """A figure of digits at `text[start:end]`.

    `others` are the values of other readings: 1.280 is a thousand or a little over one.
    """

    value: Decimal
    start: int
    end: int
    others: tuple[Decimal, ...] = ()
    #: The mark between it and the figure before it, as in `1/5` or `1,5`.
    mark: str = ""


@dataclass(frozen=True, slots=True)
class _Group:
    mark: str
    digits: str
    start: int
    end: int


def read_numerals(text: str) -> list[Numeral]:
    """Read the figures of a text whose digits are Latin.

    Groups of exactly three digits are thousands, whatever their mark; with blanks as
    marks only where the first group is shorter or the last is 000, since sizes stand in
    a row as well (`100 105 110`). By hand: `1.280.000` is 1280000, `4.6` is 4.6.
    """
    return [found for chain in re.finditer(CHAIN, text) for found in _read(chain)]


def _read(chain: re.Match[str]) -> Iterator[Numeral]:
    groups = [
        _Group(m[1] or "", m[2], chain.start() + m.start(2), chain.start() + m.end())
        for m in _GROUP.finditer(chain[0])
    ]
    place = 0
    while place < len(groups):
        numeral, place = _read_one(groups, place)
        yield numeral


def _read_one(groups: list[_Group], place: int) -> tuple[Numeral, int]:
    first = groups[place]
    end = _end_of_thousands(groups, place)
    whole = "".join(group.digits for group in groups[place:end])
    value = Decimal(whole)
    others: tuple[Decimal, ...] = ()
    fraction = groups[end] if end < len(groups) else None
    is_version = end == place + 1 and _is_decimal(groups, end + 1, end)
    if fraction is not None and not is_version and _is_decimal(groups, end, place):
        value = Decimal(f"{whole}.{fraction.digits}")
        end += 1
    elif _may_be_decimal(groups[place:end]):
        # By its looks, thousands; a decimal where what it counts says so.
        before = "".join(group.digits for group in groups[place : end - 1])
        others = (Decimal(f"{before}.{groups[end - 1].digits}"),)
        if end - place == 2 and _is_below_one(first.digits):
            value, others = others[0], ()
    last = groups[end - 1]
    return Numeral(value, first.start, last.end, others, first.mark), end


def _end_of_thousands(groups: list[_Group], place: int) -> int:
    """Return the place behind the groups that make one whole figure."""
    first = groups[place]
    end = place + 1
    if len(first.digits) > 3 or end == len(groups):
        return end
    mark = groups[end].mark
    marks = next((same for same in (_ARABIC_MARKS, _BLANKS) if mark in same), {mark})
    while (
        end < len(groups) and groups[end].mark in marks and len(groups[end].digits) == 3
    ):
        end += 1
    # `1,280.000`: the other mark opens a decimal, but not behind a blank or a slash.
    is_alone = end == place + 2
    if mark in _BLANKS and len(first.digits) == 3 and groups[end - 1].digits != "000":
        return place + 1
    if mark == "/" and is_alone:
        return place + 1
    if first.digits[0] == "0" and not (is_alone and mark in _EITHER):
        return place + 1
    return end


def _is_decimal(groups: list[_Group], end: int, place: int) -> bool:
    """Tell whether the group at `end` holds the decimals of the figure before it."""
    if end >= len(groups):
        return False
    mark = groups[end].mark
    has_thousands = end - place > 1
    if has_thousands:
        thousands = groups[end - 1].mark
        return mark != thousands and (
            mark in _DECIMAL_MARKS or (mark == "," and thousands in _EITHER)
        )
    return mark in _DECIMAL_MARKS


def _may_be_decimal(groups: list[_Group]) -> bool:
    """Tell whether the last group may be decimals, as in `1.280` or `1٬280٫500`."""
    if len(groups) == 1 or groups[-1].mark not in _EITHER:
        return False
    return len(groups) == 2 or groups[-2].mark != groups[-1].mark


def _is_below_one(digits: str) -> bool:
    return set(digits) == {"0"}
