"""Tells how Persian letters sound alike, lie side by side, and are written in Latin."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import product

# Letters of one sound, of which speech does not tell the spelling.
_HOMOPHONES = {"س": "صث", "ت": "ط", "ز": "ذضظ", "ق": "غ", "ه": "ح", "ا": "عآأ"}
_SOUNDS = str.maketrans(
    {form: letter for letter, forms in _HOMOPHONES.items() for form in forms}
)
# The rows of the Persian keyboard of phones, and of desks where it differs.
_ROWS = ("ضصثقفغعهخحجچ", "شسیبلاتنمکگ", "ظطزرذدپوچ")
_KEYS = {
    letter: (row, at)
    for row, keys in enumerate(_ROWS)
    for at, letter in enumerate(keys)
}
# Arabic keyboards lack four Persian letters; at a word's end د sounds as ت does.
_LACKING = {"چ": "ج", "پ": "ب", "ژ": "ز", "گ": "ک"}
_STAND_INS = frozenset(frozenset(pair) for pair in (*_LACKING.items(), "دت"))
_KEYBOARDS = str.maketrans(_LACKING)
_PERSIAN_WORD = re.compile("[\u0621-\u063a\u0641-\u064a\u066e-\u06d3]+")

_CONSONANTS = {
    **dict(zip("بپتجچخدرزژسشقفکگلمن", "bptjCxdrzZsSqfkglmn", strict=True)),
}
# What Latin letters stand for; h, v and y are left out as the vowels are, for they are
# written in one of the scripts only, or stand for a vowel there.
_LATIN: dict[str, Sequence[str]] = {
    "kh": "xk",
    "gh": "q",
    "sh": "Ss",
    "ch": "C",
    "zh": "Zz",
    "ph": "f",
    "th": "t",
    "ck": "k",
    "g": "gqjZ",
    "q": "q",
    "x": ("x", "ks"),
    "c": "ksC",
    "j": "jZ",
    **{letter: letter for letter in "bptdrzsfklmn"},
    **dict.fromkeys("aeiouhvwy'", ""),
}
_LATIN_PIECES = re.compile("|".join(sorted(_LATIN, key=len, reverse=True)))
_DOUBLED = re.compile(r"([bcdfgjklmnpqrstvwxz])\1+")
_REPEATED = re.compile(r"(.)\1+")
_MOST_READINGS = 8
_REMEMBERED_WORDS = 8_192


def is_persian_word(word: str) -> bool:
    """Tell whether a folded word has Persian letters and nothing else."""
    return _PERSIAN_WORD.fullmatch(word) is not None


def fold_sounds(word: str) -> str:
    """Write one letter for each sound: قرص and غرس are both قرس."""
    return word.translate(_SOUNDS)


def fold_letters(word: str) -> str:
    """Write one letter for each sound and for each key of an Arabic keyboard."""
    return fold_sounds(word).translate(_KEYBOARDS)


def are_stand_ins(one: str, other: str) -> bool:
    """Tell whether one letter is written for the other: ج for چ, ک for گ."""
    return frozenset((one, other)) in _STAND_INS


def key_distance(one: str, other: str) -> int | None:
    """Count the rows between two keys that touch: 0 or 1; None if they are apart."""
    if one not in _KEYS or other not in _KEYS:
        return None
    (row, at), (other_row, other_at) = _KEYS[one], _KEYS[other]
    rows = abs(row - other_row)
    return rows if rows <= 1 and abs(at - other_at) <= 1 else None


def persian_skeleton(word: str) -> str:
    """Keep the consonants of a folded Persian word, in Latin signs: هزینه is `zn`.

    One of two equal ones that meet is kept: سررسید is written `saresid` as well.
    """
    signs = (_CONSONANTS.get(letter, "") for letter in fold_sounds(word))
    return _REPEATED.sub(r"\1", "".join(signs))


@lru_cache(maxsize=_REMEMBERED_WORDS)
def latin_skeletons(word: str) -> tuple[str, ...]:
    """List the consonants that a lower-case Latin word may stand for, likeliest first.

    By hand: `eshal` is `Sl`, and `sl` if its s and h are two letters.
    """
    pieces = _LATIN_PIECES.findall(_DOUBLED.sub(r"\1", word))
    readings: list[Sequence[str]] = [_LATIN[piece] or ("",) for piece in pieces]
    while _count(readings) > _MOST_READINGS:
        widest = max(range(len(readings)), key=lambda at: (len(readings[at]), at))
        readings[widest] = readings[widest][:1]
    signs = ("".join(reading) for reading in product(*readings))
    return (*dict.fromkeys(_REPEATED.sub(r"\1", sign) for sign in signs),)


def _count(readings: list[Sequence[str]]) -> int:
    number = 1
    for reading in readings:
        number *= len(reading)
    return number
