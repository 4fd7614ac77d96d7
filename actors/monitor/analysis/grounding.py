"""Checks that a text contains only numbers that are in the facts."""

import math
import re
from collections.abc import Sequence

from retrieval.text.normalise import DECIMAL_POINT, LATIN_DIGITS

_DIGITS = str.maketrans(LATIN_DIGITS | {DECIMAL_POINT: "."})
_NUMBER = re.compile(r"\d+(?:[.,٬]\d+)*")
_THOUSANDS = re.compile(r"[,٬](?=\d{3}(?!\d))")


def find_ungrounded_numbers(
    text: str, facts: str, names: Sequence[str] = ()
) -> tuple[str, ...]:
    """Find the numbers of a text that are not in the facts, even after rounding.

    Names are removed first: the 2 of `api-v2` is not a number. Signs are ignored, since
    a model writes -12 % as "12 % less".
    """
    known = [float(number) for number in _numbers(facts, names)]
    return tuple(
        number
        for number in _numbers(text, names)
        if not any(_is_rounded(number, one) for one in known)
    )


def _is_rounded(said: str, known: float) -> bool:
    decimals = len(said.partition(".")[2])
    return abs(round(known, decimals) - float(said)) < 1e-3 / math.pow(10, decimals)


def _numbers(text: str, names: Sequence[str]) -> list[str]:
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = text.replace(name, " ")
    numbers = _NUMBER.findall(text.translate(_DIGITS))
    return [_plain(number) for number in numbers]


def _plain(number: str) -> str:
    """Write a number with a point and without marks between thousands."""
    whole = _THOUSANDS.sub("", number).replace(",", ".").replace("٬", "")
    head, _, tail = whole.partition(".")
    # A date with dots is not a number, but its first two parts are.
    return f"{head}.{tail.partition('.')[0]}" if tail else head
