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
# Reading numbers takes longer than cutting n-grams, so only sentences are read that may
# hold a large one: four digits, or a word that stands for some.
_SENTENCE_END = re.compile(r"\n|[.؟?!؛;]\s")
_MAY_BE_LARGE = re.compile(
    r"\d[\d.,،٫٬'’/ \u00a0\u2009\u202f]{2,}\d"
    r"|\d\s?k\b|هزار|میلی|ملی|میلیارد|thousand|million|billion|توم[اون]|ریال|rial",
    re.IGNORECASE,
)


def bare_figures(text: str) -> list[str]:
    """List a text's large numbers as bare figures, each once.

    By hand: «۱٫۲۸۰٫۰۰۰», `1,280,000` and «یک میلیون و ۲۸۰ هزار» are all `1280000`. A
    phone number, a date and `50x70` are none. An amount in rials is one in toman as
    well, and «۴۹۵ تومن» may be 495,000.
    """
    sentences = _SENTENCE_END.split(text) if _MAY_BE_LARGE.search(text) else ()
    values = (
        value
        for sentence in sentences
        if _MAY_BE_LARGE.search(sentence)
        for number in read_numbers(sentence)
        for value in _values(number)
    )
    return [*dict.fromkeys(str(int(value)) for value in values if value % 1 == 0)]


def _values(number: Number) -> Iterator[Decimal]:
    if number.kind in _TOLD_BY_DIGITS:
        return
    is_spoken = number.unit == "toman"
    values = spoken_values(number) if is_spoken else (number.value, *number.others)
    yield from (value for value in values if value >= _SMALLEST)
    if number.unit == "rial" and number.value >= _SMALLEST * _RIALS_PER_TOMAN:
        yield number.value / _RIALS_PER_TOMAN
