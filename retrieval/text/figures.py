"""Large numbers as bare figures, however they were grouped or said in words."""

import re
from collections.abc import Iterator
from decimal import Decimal

from retrieval.text.numbers import Number, NumberKind, read_numbers, spoken_values

# Below, a number of figures is written in one way only.
_SMALLEST = 1_000
# What is told by its digits, which nobody groups as those of an amount.
_TOLD_BY_DIGITS = {
    *(NumberKind.PHONE, NumberKind.CARD, NumberKind.SHEBA),
    *(NumberKind.DATE, NumberKind.TIME),
}
_RIALS_PER_TOMAN = 10
# Reading numbers takes longer than cutting n-grams, so only the places around those are
# read that folding leaves different: groups with other marks than commas, words of
# thousands, amounts in rials, and spoken ones in toman.
_UNFOLDED = re.compile(
    r"\d[.٫'’/ \u00a0\u2009\u202f]\d{3}"
    r"|هزار|می?لیو|می?لیار|\dک\b|thousand|million|billion|\dk\b"
    r"|(?<![\d,٬،.٫])\d{1,3}\s?(?:توم|toman)|\d\s?(?:ریال|rial)",
    re.IGNORECASE,
)
#: The longest run of words between two of those marks: «دویست و هشتاد و پنج».
_REACH = 28


def bare_figures(text: str) -> list[str]:
    """List, each once, a text's large numbers that folding alone does not spell bare.

    By hand: «۱٫۲۸۰٫۰۰۰», `1.280.000` and «یک میلیون و ۲۸۰ هزار» are all `1280000`. A
    phone number, a date and `50x70` are none. An amount in rials is one in toman as
    well, and «۴۹۵ تومن» may be 495,000.
    """
    values = (
        value
        for start, end in _windows(text)
        for number in read_numbers(text[start:end])
        for value in _values(number)
    )
    return [*dict.fromkeys(str(int(value)) for value in values if value % 1 == 0)]


def _windows(text: str) -> list[tuple[int, int]]:
    """List the places around all that is written unlike bare figures, none twice."""
    windows: list[tuple[int, int]] = []
    for match in _UNFOLDED.finditer(text):
        start = text.rfind(" ", 0, max(match.start() - _REACH, 0)) + 1
        end = text.find(" ", match.end() + _REACH)
        end = len(text) if end < 0 else end
        if windows and start <= windows[-1][1]:
            windows[-1] = (windows[-1][0], end)
        else:
            windows.append((start, end))
    return windows


def _values(number: Number) -> Iterator[Decimal]:
    if number.kind in _TOLD_BY_DIGITS:
        return
    is_spoken = number.unit == "toman"
    values = spoken_values(number) if is_spoken else (number.value, *number.others)
    yield from (value for value in values if value >= _SMALLEST)
    if number.unit == "rial" and number.value >= _SMALLEST * _RIALS_PER_TOMAN:
        yield number.value / _RIALS_PER_TOMAN
