"""Reads Persian that was typed in Latin letters, by the words that a tenant uses."""

import re
from collections.abc import Iterator
from functools import lru_cache
from math import log2

from retrieval.data.loading import load_rows
from retrieval.query.alignment import spelling_cost
from retrieval.query.glossary import is_english
from retrieval.query.vocabulary import Vocabulary, common_words
from retrieval.text.language import drop_addresses
from retrieval.text.normalise import normalise

MOST_READINGS = 3

_WORD = re.compile(r"[a-z']*[a-z][a-z']*", re.IGNORECASE)
_TOKEN = re.compile(rf"({_WORD.pattern})", re.IGNORECASE)
_PERSIAN = re.compile("[\u0621-\u06cc]")
# Loose spellings of one sound, written one way before a word is looked up.
_LOOSE = (
    (re.compile("'|’|`"), ""),
    (re.compile("oo|ou"), "u"),
    (re.compile("ee|iy(?=[aeiou])|ii"), "i"),
    (re.compile("aa+"), "a"),
    (re.compile("ei|ai"), "ey"),
    (re.compile("q"), "gh"),
    (re.compile("w"), "v"),
    (re.compile("ph"), "f"),
    (re.compile(r"(?<=[ae])h$"), ""),
    (re.compile(r"([b-df-hj-np-tv-z])\1+"), r"\1"),
)
_STRETCHED = re.compile(r"([a-z])\1{2,}", re.IGNORECASE)
_DAYS = {"1": "yek", "2": "do", "3": "se", "4": "chahar", "5": "panj"}
_NUMBERED_DAY = re.compile(r"(?<![0-9])([1-5])[ -]?(?=sha[nm]be)", re.IGNORECASE)
# A number and its noun, 2nafare; but a35 is a model.
_GLUED_NUMBER = re.compile(r"(?<=[0-9])(?=[a-z]{2})", re.IGNORECASE)

# Endings of spoken Persian, longest first where one ends in another.
_ENDINGS = {
    "hatoon": "هاتون", "hatun": "هاتون", "hashoon": "هاشون", "hashun": "هاشون",
    "haye": "های", "haie": "های", "hayi": "هایی", "hash": "هاش", "ham": "هام",
    "atoon": "تون", "etoon": "تون", "atun": "تون", "etun": "تون", "ton": "تون",
    "toon": "تون", "tun": "تون", "amoon": "مون", "emoon": "مون", "emun": "مون",
    "moon": "مون", "ashoon": "شون", "eshoon": "شون", "eshun": "شون", "shoon": "شون",
    "ha": "ها", "esh": "ش", "ash": "ش", "am": "م", "em": "م", "et": "ت", "at": "ت",
    "ro": " رو", "yi": "یی", "ye": "", "ie": "یه", "iye": "یه", "an": "ن", "i": "ی",
    "e": "", "sh": "ش", "o": "و", "a": "ا", "ast": " است",
}  # fmt: skip
_SHORTEST_STEM = 3
_LONGEST_SIGN = 3

# What a reading costs beside its letters: less than nothing for the table's own.
_LISTED = -0.2
_LOOSELY = 0.03
_SURE = 0.1
_COMMON = 0.3
_WRITTEN = 0.5  # a word of the dictionary alone
_GUESSED = 0.1
_ENDING = 0.2
_FREQUENT = 0.03
_MOST_DOUBLINGS = 5
_BY_LETTERS = 1.5
_AS_WRITTEN = -0.15
_WORST_SHORT, _WORST = 0.45, 0.8
_SHORT = 4
_WORST_COMPOUND = 0.6
# What is so much worse than the best is not worth a search of its own.
_WIDEST_GAP = 0.7

_REMEMBERED_WORDS = 4_096

# Letters of one word that Persian in Latin has and English has not.
_FOREIGN_TO_ENGLISH = re.compile(
    "kh|zh|gh(?!t|$)|q(?!u)|aa|^sh[mb]|oo[vy]|eh$|hh|^mi[kgrdsfb].*(?:am|id|in|e|an)$"
    "|^nemi|h[mnr]|iy[ae]|uy|ayi|ei$|oe[iy]"
)
_SURE_SHARE = 0.5


def is_finglish(text: str) -> bool:
    """Tell Persian in Latin letters from English, by the words and how they are built.

    False for a text that has Persian letters, or no word in Latin ones.
    """
    text = drop_addresses(text)
    if _PERSIAN.search(text):
        return False
    persian = english = unknown = 0.0
    for word in _words(text):
        if is_english(word):
            # `bad`, `in` and `man` are words of both.
            english += 0.5 if _listed(word) else 1
        elif _listed(word) or _listed_stem(word):
            persian += 1
        elif _FOREIGN_TO_ENGLISH.search(word) or _sounds_persian(word):
            persian += _SURE_SHARE
        else:
            unknown += 1
    return persian > 0 and persian >= english


def transliterate(text: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Read Latin letters as Persian: up to three texts, the best first.

    Words are written as the tenant's texts write them, else as general Persian does,
    else letter by letter. Words that the texts have in Latin stay as they are. Empty for
    a text without Latin letters. By hand: `gheymate kale ghoochi chande?` becomes
    `قیمت کله‌قوچی چنده?` for a shop that sells کله‌قوچی.
    """
    text = _NUMBERED_DAY.sub(lambda day: _DAYS[day[1]], text)
    text = _GLUED_NUMBER.sub(" ", text)
    pieces = _TOKEN.split(_STRETCHED.sub(r"\1", text))
    if len(pieces) < 2:
        return ()
    slots = list(_slots(pieces, vocabulary))
    best = [readings[0][0] for readings in slots]
    swaps = sorted(
        (cost - readings[0][1], at, word)
        for at, readings in enumerate(slots)
        for word, cost in readings[1:]
        if cost - readings[0][1] <= _WIDEST_GAP
    )
    texts = ["".join(best)]
    for _, at, word in swaps[: MOST_READINGS - 1]:
        texts.append("".join((*best[:at], word, *best[at + 1 :])))
    return (*dict.fromkeys(" ".join(text.split()) for text in texts),)


Readings = list[tuple[str, float]]


def _slots(pieces: list[str], vocabulary: Vocabulary) -> Iterator[Readings]:
    """Read word by word; every second piece of a text is a word."""
    at = 0
    while at < len(pieces):
        if at % 2 == 0:
            yield [(pieces[at], 0.0)]
            at += 1
            continue
        readings = _read_piece(pieces[at], vocabulary)
        if at + 2 < len(pieces) and pieces[at + 1] in (" ", "-", ""):
            following = _read_piece(pieces[at + 2], vocabulary)
            together = (pieces[at] + pieces[at + 2]).casefold()
            whole = _read_compound(together, vocabulary)
            if whole and whole[0][1] <= readings[0][1] + following[0][1] + _ENDING:
                yield whole
                at += 3
                continue
        yield readings
        at += 1


def _read_piece(piece: str, vocabulary: Vocabulary) -> Readings:
    """Read one word; a size or a model's letters, as in `XL`, stay as they are."""
    latin = piece.casefold()
    is_sign = len(piece) == 1 or (piece.isupper() and len(piece) <= _LONGEST_SIGN)
    if is_sign and latin not in _EXACT:
        return [(piece, _LISTED)]
    return read_word(latin, vocabulary)


def _read_compound(latin: str, vocabulary: Vocabulary) -> Readings:
    """Read two Latin words as one word that the texts write with a half-space."""
    found = [
        (surface, cost)
        for word, cost in _heard(latin, vocabulary)
        if cost <= _WORST_COMPOUND and "\u200c" in (surface := vocabulary.surface(word))
    ]
    return found[:1]


def read_word(latin: str, vocabulary: Vocabulary) -> Readings:
    """List the Persian words that a Latin one may be, the best first, with costs.

    At least one, at most three; costs are comparable between words.
    """
    found: dict[str, float] = {}

    def add(word: str, cost: float) -> None:
        found[word] = min(cost, found.get(word, cost))

    for word, cost in _listed(latin):
        add(word, cost)
    if latin in _EXACT:
        return [*found.items()]
    if vocabulary.count(latin) > 0:
        add(latin, _AS_WRITTEN)
    for word, cost in _heard(latin, vocabulary):
        add(vocabulary.surface(word), cost)
    is_sure = min(found.values(), default=_BY_LETTERS) <= _SURE
    for ending, written in () if is_sure else _ENDINGS.items():
        stem = latin.removesuffix(ending)
        if stem == latin or len(stem) < _SHORTEST_STEM:
            continue
        price = _ENDING if written else _LOOSELY
        price += _ENDING if len(stem) <= _SHORTEST_STEM else 0
        for word, cost in _listed(stem):
            add(word + written, cost + price)
        for word, cost in _heard(stem, vocabulary)[:2]:
            add(vocabulary.surface(word) + written, cost + price)
    for rank, word in enumerate(_spell(latin)):
        add(word, _BY_LETTERS + rank * _LOOSELY)
    ranked = sorted(found.items(), key=lambda reading: (reading[1], reading[0]))
    distinct: dict[str, tuple[str, float]] = {}
    for word, cost in ranked:
        distinct.setdefault(normalise(word), (word, cost))
    return [*distinct.values()][:MOST_READINGS]


def _heard(latin: str, vocabulary: Vocabulary) -> Readings:
    """List the known words that sound like a Latin one, folded, the best first."""
    worst = _WORST_SHORT if len(latin) <= _SHORT else _WORST
    found = []
    for word in vocabulary.sounding(latin):
        cost = spelling_cost(latin, word)
        if cost > worst:
            continue
        count = vocabulary.count(word)
        if count > 0:
            cost -= _FREQUENT * min(log2(count), _MOST_DOUBLINGS)
        elif word in vocabulary.common.surfaces:
            cost += _COMMON + (_GUESSED if word in vocabulary.common.guessed else 0)
        else:
            cost += _WRITTEN
        found.append((word, cost))
    return sorted(found, key=lambda reading: (reading[1], reading[0]))[:MOST_READINGS]


def _words(text: str) -> list[str]:
    text = _NUMBERED_DAY.sub(lambda day: _DAYS[day[1]], text.casefold())
    return _WORD.findall(_STRETCHED.sub(r"\1", text))


@lru_cache(maxsize=_REMEMBERED_WORDS)
def _sounds_persian(latin: str) -> bool:
    """Tell whether a word spells one of those that customers everywhere use."""
    if len(latin) <= _SHORT:
        return False
    return any(
        spelling_cost(latin, word) <= _SURE
        for word in common_words().index.sounding(latin)
    )


def _load() -> tuple[dict[str, str], dict[str, str]]:
    rows = load_rows("finglish.tsv")
    exact = {latin: word for word, *spellings in rows for latin in spellings}
    loose: dict[str, str] = {}
    for latin, word in exact.items():
        loose.setdefault(_loosen(latin), word)
    return exact, loose


def _loosen(latin: str) -> str:
    for pattern, spelled in _LOOSE:
        latin = pattern.sub(spelled, latin)
    return latin


_EXACT, _LOOSENED = _load()


@lru_cache(maxsize=_REMEMBERED_WORDS)
def _listed(latin: str) -> tuple[tuple[str, float], ...]:
    if latin in _EXACT:
        return ((_EXACT[latin], _LISTED),)
    word = _LOOSENED.get(_loosen(latin))
    return () if word is None else ((word, _LISTED + _LOOSELY),)


def _listed_stem(latin: str) -> bool:
    return any(
        _listed(latin.removesuffix(ending))
        for ending in _ENDINGS
        if latin.endswith(ending) and len(latin) - len(ending) > _SHORTEST_STEM
    )


# The likeliest letter of each piece, for words that nobody knows: names, mostly.
_LETTERS = {
    "kh": "خ", "gh": "ق", "sh": "ش", "ch": "چ", "zh": "ژ", "ph": "ف", "oo": "و",
    "ou": "و", "ee": "ی", "ey": "ی", "ei": "ی", "aa": "ا", "b": "ب", "c": "ک", "d": "د",
    "f": "ف", "g": "گ", "h": "ه", "i": "ی", "j": "ج", "k": "ک", "l": "ل", "m": "م",
    "n": "ن", "p": "پ", "q": "ق", "r": "ر", "s": "س", "t": "ت", "u": "و", "v": "و",
    "w": "و", "x": "کس", "y": "ی", "z": "ز", "o": "و", "a": "ا", "e": "", "'": "",
}  # fmt: skip
_LETTER_PIECES = re.compile("|".join(sorted(_LETTERS, key=len, reverse=True)))
_DOUBLED = re.compile(r"([b-df-hj-np-tv-z])\1")


def _spell(latin: str) -> tuple[str, ...]:
    """Write a word letter by letter, with each a as ا, and with the short ones left out.

    By hand: `negar` is `نگار`, and `نگر`.
    """
    body = _DOUBLED.sub(r"\1", latin)
    if body.endswith(("e", "eh")):
        body = body.removesuffix("h")[:-1] + "h"
    start = "ا" if body[0] in "eiou" else ""
    long = start + _LETTER_PIECES.sub(lambda piece: _LETTERS[piece[0]], body)
    inner = body[0] + re.sub("(?<!a)a(?!a|$)", "", body[1:])
    short = start + _LETTER_PIECES.sub(lambda piece: _LETTERS[piece[0]], inner)
    return (*dict.fromkeys((long, short)),)
