"""Tells what nobody can read: lone letters and keys struck at random."""

import re

# The rows of the Persian and the Latin keyboard, as they lie under the fingers.
_ROWS = (
    *("ضصثقفغعهخحجچ", "شسیبلاتنمکگ", "ظطزرذدپو"),
    *("qwertyuiop", "asdfghjkl", "zxcvbnm"),
)
_RUNS = frozenset(
    row[at : at + 4]
    for line in _ROWS
    for row in (line, line[::-1])
    for at in range(len(row) - 3)
)
_NO_VOWEL = re.compile(r"[b-df-hj-np-tv-xz]{5,}", re.IGNORECASE)
# A lone letter is no word, but for the sizes of clothes.
_LONE = re.compile(r"[^\W\d_]")
_SIZES = frozenset("SML")
_SHORTEST_RUN = 4


def is_junk(word: str) -> bool:
    """Tell whether a word, as it was written, is a lone letter or random keys.

    By hand: "asdfgh" and "شسیبل" are neighbours on the keyboard; "XXL" is a size.
    """
    if _LONE.fullmatch(word):
        return word not in _SIZES
    folded = word.casefold()
    if _NO_VOWEL.fullmatch(folded) and len(set(folded)) > 1:
        return True
    # Each run of four covers one letter more than the one before it.
    covered: set[int] = set()
    for at in range(len(folded) - _SHORTEST_RUN + 1):
        if folded[at : at + _SHORTEST_RUN] in _RUNS:
            covered.update(range(at, at + _SHORTEST_RUN))
    return len(covered) * 3 >= len(folded) * 2
