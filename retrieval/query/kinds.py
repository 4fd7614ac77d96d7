"""The kinds of value that questions ask for, and the words that ask for them."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

from retrieval.data.loading import load_groups
from retrieval.query.terms import Term, make_term
from retrieval.query.vocabulary import KINDS
from retrieval.text.language import STOP_WORDS
from retrieval.text.normalise import normalise

_NOT = frozenset({"نه", "نباشد", "نباشه"})
_EXCEPT = frozenset({"جز", "بجز", "غیراز"})
_UNTIL = "تا"
_FROM = "از"
_SURE_VERB = "می"


class ValueKind(StrEnum):
    """The kind of value that answers a question."""

    PRICE = "price"
    TIME = "time"
    DURATION = "duration"
    PERCENT = "percent"
    PHONE = "phone"
    PLACE = "place"
    ADDRESS = "address"


_D = r"[0-9۰-۹٠-٩]"
_MONEY = re.compile(
    rf"{_D}[^\n]{{0,12}}(?:تومان|تومن|ریال|toman|rial|هزار|میلیون)|(?:هزار|میلیون)\s+توم"
    rf"|{_D}{{1,3}}(?:[٬,،٫.]{_D}{{3}})+|{_D}{{5,}}|رایگان|مجانی|free\b",
    re.IGNORECASE,
)
_WITH_UNIT = re.compile(
    rf"(?:{_D}|یک|دو|سه|چهار|پنج|شش|هفت|هشت|نه|ده)\s*(?:تا\s*{_D}+\s*)?"
    r"(?:روز|ساعت|دقیقه|هفته|ماه|سال|شب|day|hour|minute|week|month|year)",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    rf"{_D}{{1,2}}\s*(?::{_D}{{2}})?\s*(?:تا|الی|to|-|–)\s*{_D}{{1,2}}|ساعت|تعطیل|شنبه|جمعه"
    rf"|{_D}{{1,2}}:{_D}{{2}}|روز|صبح|شب|عصر|day\b|closed",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"خیابان|کوچه|پلاک|بلوار|میدان|طبقه|پاساژ|جنب|روبه|مجتمع|street|avenue|floor",
    re.IGNORECASE,
)
_PATTERNS: Mapping[ValueKind, re.Pattern[str]] = {
    ValueKind.PRICE: _MONEY,
    ValueKind.TIME: _CLOCK,
    ValueKind.DURATION: _WITH_UNIT,
    ValueKind.PERCENT: re.compile(rf"{_D}\s*(?:درصد|٪|%|percent)|(?:٪|%)\s*{_D}|درصد"),
    ValueKind.PHONE: re.compile(rf"{_D}[{_D[1:-1]}\s\-]{{6,}}"),
    ValueKind.PLACE: _PLACE,
    ValueKind.ADDRESS: _PLACE,
}


_OF = "_of"
_GROUPS = (
    "bare",
    "amount",
    "verb",
    "compare",
    "attribute",
    *ValueKind,
    *(kind + _OF for kind in ValueKind),
)
_FOLDED = {
    group: frozenset(normalise(word) for word in words)
    for group, words in load_groups("values/value_kinds.tsv", _GROUPS).items()
}
_KIND_OF = {
    word: ValueKind(group.removesuffix(_OF))
    for group, words in _FOLDED.items()
    if group not in ("bare", "amount", "verb", "compare", "attribute")
    for word in words
}
KIND_WEIGHTS = {
    ValueKind.PRICE: 0.3,
    ValueKind.TIME: 0.4,
    ValueKind.DURATION: 0.3,
    ValueKind.PERCENT: 0.4,
    ValueKind.PHONE: 0.8,
    ValueKind.PLACE: 1.0,
    ValueKind.ADDRESS: 1.0,
}
_BARE = _FOLDED["bare"] | _FOLDED["amount"]
COMMON_WORDS = {
    kind: frozenset(normalise(word) for word in words)
    for kind, words in load_groups("spelling/common_words.tsv", KINDS).items()
}
SAYING_LITTLE = (
    COMMON_WORDS["function"] | COMMON_WORDS["question"] | COMMON_WORDS["greeting"]
)
NOT_NOUNS = frozenset({"function", "question", "greeting", "verb", "number", "unit"})
VALUE_CLASSES = load_groups("values/value_classes.tsv", KINDS)
_OPEN = _FOLDED["time_of"]
#: Words that ask for a kind and name nothing.
_PLAIN_KINDS = frozenset().union(*(_FOLDED[kind] for kind in ValueKind))


def fits(kind: ValueKind, text: str) -> bool:
    """Tell whether a text holds a value of a kind."""
    return _PATTERNS[kind].search(text) is not None


def compares(words: Sequence[str]) -> bool:
    """Tell whether things are weighed against each other."""
    return any(
        not _FOLDED["compare"].isdisjoint({word, *make_term(word).roots})
        for word in words
    )


def read_excluded(words: Sequence[str]) -> tuple[Term, ...]:
    """Read "not the Pro": the word before a closing «نه», or behind «به جز».

    Behind a verb or «یا», as in «باز هستید یا نه», a closing «نه» excludes nothing.
    """
    excluded = []
    for at, word in enumerate(words):
        is_closing = word in _NOT and at > 1 and at + 1 == len(words)
        if is_closing and _is_thing(words[at - 1]):
            excluded.append(make_term(words[at - 1]))
        if word in _EXCEPT and at + 1 < len(words):
            excluded.append(make_term(words[at + 1]))
    return tuple(excluded)


def _is_thing(word: str) -> bool:
    return word not in STOP_WORDS and not is_asking_verb(word)


def asks_until(words: Sequence[str]) -> bool:
    """Tell "until how much", said of the clock: «تا چند بازید؟», «از چند میفروشید؟»."""
    return any(
        (a == _UNTIL and b in _BARE and (c in STOP_WORDS or _opens(c) or not c))
        or (a == _FROM and b in _BARE and c not in STOP_WORDS and _opens(c))
        for a, b, c in zip(words, words[1:], (*words[2:], ""), strict=False)
    )


def _opens(word: str) -> bool:
    return word in _OPEN or is_asking_verb(word)


def is_asking_verb(word: str) -> bool:
    """Tell a verb: a question that has one says all of itself."""
    return word in _FOLDED["verb"] or any(
        root.startswith("-") for root in make_term(word).roots
    )


def kinds_of(word: str) -> set[ValueKind]:
    """List the kinds of value that a word asks for."""
    term = make_term(word)
    return {_KIND_OF[root] for root in (word, *term.roots) if root in _KIND_OF}


def is_plain_kind(term: Term) -> bool:
    """Tell a word that asks for a kind and names nothing."""
    return not _PLAIN_KINDS.isdisjoint({term.word, *term.roots})


def asks_barely(words: Sequence[str]) -> bool:
    """Tell whether "how much" stands there without what is to be counted."""
    for word, following in zip(words, (*words[1:], ""), strict=False):
        if word in _BARE and (following in STOP_WORDS or not following):
            return True
        # «کت چند می‌دوزید؟» asks for a price, «چقدر می‌ماند؟» for a time.
        is_verb = following.startswith(_SURE_VERB) and is_asking_verb(following)
        if word in _FOLDED["bare"] and is_verb:
            return True
    return False


def is_attribute_word(term: Term) -> bool:
    """Tell a word for a property that things have: colour, weight, warranty."""
    return not _FOLDED["attribute"].isdisjoint({term.word, *term.roots})


def is_vague(text: str) -> bool:
    """Tell "how much", which may be of anything, from "how many tomans"."""
    return _FOLDED["bare"].isdisjoint(normalise(text).split())
