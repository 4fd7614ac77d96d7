"""The shape of a number that was read: its value, its kind, and its place."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class NumberKind(StrEnum):
    """What a number is, as far as its form or its unit tells."""

    PLAIN = "plain"
    MONEY = "money"
    PERCENT = "percent"
    COUNT = "count"
    MEASURE = "measure"
    DURATION = "duration"
    DATE = "date"
    TIME = "time"
    PHONE = "phone"
    CARD = "card"
    SHEBA = "sheba"


@dataclass(frozen=True, slots=True)
class Number:
    """A number at `text[start:end]`; the unit behind it lies outside.

    `value` is, of a date, YYYYMMDD in its own calendar with 0000 for no year; of a
    time, minutes since midnight; of a phone, card or sheba, its digits as an integer.
    `unit` is one name for all spellings (`toman`, `day`, `item`), `jalali` or
    `gregorian` of dates, `am` or `pm` of times, and empty where none is named.
    """

    value: Decimal
    kind: NumberKind
    start: int
    end: int
    unit: str = ""
    #: Of a phone (national form, `0912…`), a card and a sheba: their digits.
    digits: str = ""
    #: It is said with words alone.
    is_in_words: bool = False
    #: Values of less likely readings: `1.280` may be a little over one.
    others: tuple[Decimal, ...] = ()
