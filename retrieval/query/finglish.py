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
    "esho": "شو", "asho": "شو", "amo": "مو", "emo": "مو", "ato": "تو", "eto": "تو",
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
_MOST_STEMS = 2

# What a reading costs beside its letters: less than nothing for the table's own.
_LISTED = -0.2
_LOOSELY = 0.03
_SURE = 0.1
_COMMON = 0.3
_WRITTEN = 0.5  # a word of written Persian alone
_GUESSED = 0.1
_ENDING = 0.2
_SHORT_STEM = 0.3
_FREQUENT = 0.03
_MOST_DOUBLINGS = 5
_BY_LETTERS = 1.5
_AS_WRITTEN = 0.05
_WORST_SHORT, _WORST = 0.45, 0.8
_SHORT = 4
_WORST_COMPOUND = 0.6
_HALF_SPACE = 0.35
# What is so much worse than the best is not worth a search of its own.
_WIDEST_GAP = 0.7

_REMEMBERED_WORDS = 4_096

# Without a vowel it is none of a language's own words: lcd, cc.
_ABBREVIATION = re.compile("[b-df-hj-np-tv-xz]{2,4}")

# Letters of one word that Persian in Latin has and English has not.
_FOREIGN_TO_ENGLISH = re.compile(
    "kh|zh|gh(?!t|$)|q(?!u)|aa|^sh[mb]|oo[vy]|eh$|hh|^mi[kgrdsfb].*(?:am|id|in|e|an)$"
    "|^nemi|h[mnr]|iy[ae]|uy|ayi|ei$|oe[iy]"
)
_LIKELY = 0.5
_SHARED = 0.3


def is_finglish(text: str, vocabulary: Vocabulary | None = None) -> bool:
    """Tell Persian in Latin letters from English, by the words and how they are built.

    With a vocabulary, words that sound like the tenant's count as Persian too: `pargar`
    alone is پرگار at a stationer's. False for a text that has Persian letters, or no
    word in Latin ones.
    """
    text = drop_addresses(text)
    if _PERSIAN.search(text):
        return False
    persian = english = 0.0
    for word in _words(text):
        if is_english(word):
            # `bad`, `in` and `man` are words of both, and Yazd is a city in both.
            is_shared = bool(_listed(word)) or _sounds_persian(word)
            english += _SHARED if is_shared else 1
        elif _listed(word) or _listed_stem(word):
            persian += 1
        elif _is_likely(word, vocabulary):
            persian += _LIKELY
    return persian > 0 and persian >= english


def _is_likely(word: str, vocabulary: Vocabulary | None) -> bool:
    if _FOREIGN_TO_ENGLISH.search(word) or _sounds_persian(word):
        return True
    return vocabulary is not None and _sounds_known(word, vocabulary)


def transliterate(text: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Read Latin letters as Persian: up to three texts, the best first.

    Words are written as the tenant's texts write them, else as general Persian does,
    else letter by letter. Words that the texts have in Latin stay as they are. Empty
    for a text without Latin letters. By hand: `gheymate kale ghoochi chande?` becomes
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
            if whole and whole[0][1] <= readings[0][1] + following[0][1]:
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
    """Read two Latin words as one word of the tenant's texts."""
    for word, cost in _heard(latin, vocabulary):
        surface = vocabulary.surface(word)
        is_common = word in vocabulary.common.surfaces and cost <= _COMMON + _SURE
        if is_common or (word in vocabulary and cost <= _WORST_COMPOUND):
            # A half-space says that the word has two parts.
            return [
                (surface, cost + (-_HALF_SPACE if "\u200c" in surface else _ENDING))
            ]
    return []


def read_word(latin: str, vocabulary: Vocabulary) -> Readings:
    """List the Persian words that a lower-case Latin one may be, with their costs.

    At least one, at most three, the best first; costs are comparable between words.
    """
    readings = list(_listed(latin))
    if latin in _EXACT:
        return readings + _read_own(latin, vocabulary)
    if vocabulary.count(latin) > 0 or _ABBREVIATION.fullmatch(latin):
        readings.append((latin, _AS_WRITTEN))
    heard = _heard(latin, vocabulary)
    readings += [(vocabulary.surface(word), cost) for word, cost in heard]
    if min((cost for _, cost in readings), default=_BY_LETTERS) > _SURE:
        readings += _read_endings(latin, vocabulary)
    spelled = enumerate(_spell(latin))
    readings += [(word, _BY_LETTERS + rank * _LOOSELY) for rank, word in spelled]
    distinct: dict[str, tuple[str, float]] = {}
    for word, cost in sorted(readings, key=lambda reading: (reading[1], reading[0])):
        distinct.setdefault(normalise(word), (word, cost))
    return [*distinct.values()][:MOST_READINGS]


def _read_own(latin: str, vocabulary: Vocabulary) -> Readings:
    """Read a listed word otherwise where the texts say so: badan is بعدا, and بدن."""
    if len(latin) <= _SHORT:
        return []
    (listed, _), *_ = _listed(latin)
    heard = _heard(latin, vocabulary)
    return [
        (vocabulary.surface(word), cost)
        for word, cost in heard[:1]
        if word in vocabulary and cost <= _SURE and word != normalise(listed)
    ]


def _read_endings(latin: str, vocabulary: Vocabulary) -> Readings:
    """Read a word as a stem with a spoken ending: gheymatesh is قیمت + ش."""
    readings: Readings = []
    for ending, written in _ENDINGS.items():
        stem = latin.removesuffix(ending)
        if stem == latin or len(stem) < _SHORTEST_STEM:
            continue
        price = _ENDING if written else _LOOSELY
        price += _SHORT_STEM if len(stem) == _SHORTEST_STEM else 0
        heard = _heard(stem, vocabulary)[:_MOST_STEMS]
        stems = [(vocabulary.surface(word), cost) for word, cost in heard]
        stems += _listed(stem)
        readings += [(word + written, cost + price) for word, cost in stems]
    return readings


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
    if len(latin) < _SHORT:
        return False
    return any(
        len(word) > 2 and spelling_cost(latin, word) <= _SURE
        for word in common_words().index.sounding(latin)
    )


def _sounds_known(latin: str, vocabulary: Vocabulary) -> bool:
    is_long = len(latin) > _SHORT and latin not in vocabulary
    return is_long and any(
        word in vocabulary and spelling_cost(latin, word) <= _WORST_SHORT
        for word in vocabulary.sounding(latin)
    )


def _load() -> tuple[dict[str, str], dict[str, str]]:
    rows = load_rows("speech/finglish.tsv")
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
    """Write a word letter by letter, with each a as ا, and without the short ones.

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
