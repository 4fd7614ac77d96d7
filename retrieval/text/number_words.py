"""The words of numbers, units and months, folded so that every spelling is one."""

import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from retrieval.data.loading import load_rows
from retrieval.text.normalise import ACCENTED_FORMS, normalise_mildly

ZWNJ = "\u200c"
_SAME_LETTER = {form: key for key, forms in ACCENTED_FORMS.items() for form in forms}
#: Endings of units: تومانی, روزه, کیلویی, درصدیه.
_ENDINGS = ("یه", "یی", "ها", "ه", "ی", "و", "س")
THOUSAND = 1000
HALF = Decimal("0.5")
HALVES = frozenset(("نیم", "half"))
#: Thousands in short, glued to a figure: 10k, ۲۵۰ک.
SHORT_THOUSAND = frozenset(("k", "ک"))
AND = frozenset(("و", "and"))
#: Between the ends of a range.
UP_TO = frozenset(("تا", "الی", "یا", "to", "or"))
CLOCK = frozenset(("ساعت",))
WEEKDAY = "شنبه"


@lru_cache(maxsize=4096)
def fold_character(character: str) -> str:
    """Fold one character; blanks and half-spaces stay, unseen marks go."""
    if character.isspace() or character == ZWNJ:
        return character
    # Digits in circles or raised are digits; a fraction in one sign is no figure.
    if not (character.isalpha() or character.isdigit()):
        return "" if unicodedata.category(character) in ("Mn", "Cf") else character
    folded = normalise_mildly(character).casefold()
    return "".join(_SAME_LETTER.get(letter, letter) for letter in folded)


def fold(text: str) -> str:
    """Fold a text's letters and digits to one spelling; its length may change."""
    return "".join(map(fold_character, text))


@dataclass(frozen=True, slots=True)
class Unit:
    """What a number counts: a kind, and one name for all spellings of the unit."""

    kind: str
    name: str


VALUES = {
    fold(word): int(value)
    for value, *words in load_rows("numbers/number_words.tsv")
    for word in words
}
SCALES = {word: value for word, value in VALUES.items() if value >= THOUSAND}
SMALL = {word: value for word, value in VALUES.items() if value < THOUSAND}
UNITS = {
    fold(word): Unit(kind, name)
    for kind, name, *words in load_rows("numbers/units.tsv")
    for word in words
}
#: Calendar and number of a month, by its names.
MONTHS = {
    fold(name): (calendar, int(month))
    for calendar, month, *names in load_rows("numbers/months.tsv")
    for name in names
}
MAX_UNIT_WORDS = max(len(words.split()) for words in UNITS)
#: «نه» is nine, and far more often "no": it counts only beside another number word,
#: before a unit or behind «ساعت».
NO_OR_NINE = frozenset((fold("نه"),))


def find_unit(words: str) -> Unit | None:
    """Find a unit by its words, with or without an ending."""
    unit = UNITS.get(words)
    if unit is not None or words.isascii():
        return unit
    for ending in _ENDINGS:
        stem = words.removesuffix(ending).rstrip(ZWNJ + " ")
        if stem != words and len(stem) > 1 and (unit := UNITS.get(stem)) is not None:
            return unit
    return None


def read_ordinal(word: str) -> int | None:
    """Read «پنجم» as 5, «سوم» as 3, «اول» as 1; None for what is no ordinal."""
    known = {"اول": 1, "یکم": 1, "سوم": 3, "سی‌ام": 30}
    if word in known:
        return known[word]
    return SMALL.get(word[:-1]) if word.endswith("م") else None
