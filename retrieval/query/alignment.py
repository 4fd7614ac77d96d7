"""Weighs how well a word in Latin letters spells a Persian one, letter by letter."""

from functools import lru_cache

_START, _END = "^", "$"
# What a piece of Latin may stand for, with what it costs; the empty string is a sound
# that Persian does not write. A piece with ^ stands at the start, with $ at the end.
_PIECES: dict[str, dict[str, float]] = {
    "b": {"ب": 0, "پ": 0.7},
    "p": {"پ": 0, "ب": 0.7},
    "t": {"ت": 0, "ط": 0.05, "د": 0.8},
    "th": {"ت": 0.1, "ث": 0.1},
    "s": {"س": 0, "ص": 0.05, "ث": 0.08, "ش": 0.6},
    "j": {"ج": 0, "ژ": 0.2},
    "ch": {"چ": 0},
    "c": {"ک": 0.2, "س": 0.3, "چ": 0.5},
    "ck": {"ک": 0},
    "h": {"ه": 0, "ح": 0.05, "": 0.4},
    "kh": {"خ": 0},
    "x": {"خ": 0.15, "کس": 0.1},
    "d": {"د": 0},
    "z": {"ز": 0, "ذ": 0.05, "ض": 0.05, "ظ": 0.05, "ژ": 0.6},
    "zh": {"ژ": 0, "ج": 0.3},
    "r": {"ر": 0},
    "sh": {"ش": 0},
    "gh": {"ق": 0, "غ": 0.03},
    "q": {"ق": 0, "غ": 0.03},
    "g": {"گ": 0, "ق": 0.5, "غ": 0.5, "ج": 0.4, "ژ": 0.4},
    "f": {"ف": 0},
    "ph": {"ف": 0.1},
    "k": {"ک": 0, "خ": 0.6, "ق": 0.6},
    "l": {"ل": 0},
    "m": {"م": 0, "ن": 0.5},
    "n": {"ن": 0, "م": 0.6},
    "v": {"و": 0},
    "w": {"و": 0},
    "y": {"ی": 0, "": 0.5},
    "'": {"ع": 0, "": 0},
    "a": {"": 0.02, "ا": 0.1, "ع": 0.15, "ه": 0.6},
    "^a": {"ا": 0, "ع": 0.05},
    "a$": {"ا": 0, "ه": 0.25, "": 0.4, "ی": 0.5},
    "aa": {"ا": 0, "اع": 0.1, "عا": 0.1, "ع": 0.1},
    "e": {"": 0.02, "ی": 0.3, "ه": 0.3, "ع": 0.15, "ا": 0.5},
    "^e": {"ا": 0, "ع": 0.1, "": 0.3},
    "e$": {"ه": 0, "": 0.2, "ی": 0.4},
    "eh$": {"ه": 0},
    "ye$": {"": 0.25, "یه": 0},
    "o": {"": 0.06, "و": 0.08, "ع": 0.2, "ا": 0.35},
    "^o": {"ا": 0, "ع": 0.05, "": 0.3},
    "u": {"و": 0, "": 0.3, "ا": 0.35},
    "oo": {"و": 0, "": 0.3, "ا": 0.35},
    "ou": {"و": 0},
    "ow": {"و": 0.03},
    "ov": {"و": 0.1},
    "au": {"و": 0.2},
    "i": {"ی": 0, "": 0.3, "ای": 0.15},
    "ee": {"ی": 0},
    "ea": {"ی": 0.3},
    "ie": {"ی": 0.2},
    "ey": {"ی": 0},
    "ei": {"ی": 0, "یی": 0.1, "های": 0.05},
    "ay": {"ی": 0.15, "ای": 0},
    "ai": {"ی": 0.15, "ای": 0, "ایی": 0},
    "iy": {"ی": 0, "یی": 0},
    "yi": {"ی": 0.1, "یی": 0, "ای": 0.1},
    "oi": {"وی": 0, "ویی": 0},
    "ui": {"وی": 0, "ویی": 0},
    "ae": {"ای": 0.1, "ایه": 0.2, "اع": 0.1},
}
_LONGEST_PIECE = 3
# Two letters where most read one: the s and h of eshal.
_APART = 0.4
# Persian letters that Latin spellings leave out.
_UNHEARD = {"ع": 0.15, "ا": 0.6, "و": 0.6, "ی": 0.5, "ه": 0.45}
_FIRST_ALEF = 0.05  # اون is written oon
_AFTER_KH = 0.15  # خواهر is written khahar
_MISSING = 1.2
_SURPLUS = 1.2
_VOWELS = frozenset("aeiou'")
_DIGRAPHS = frozenset(("sh", "kh", "gh", "ch", "zh", "ph", "th"))
_REMEMBERED_PAIRS = 32_768
_REMEMBERED_WORDS = 4_096
MOST = 1.0
"""What costs more is no spelling of the word, and not looked at to its end."""


@lru_cache(maxsize=_REMEMBERED_PAIRS)
def spelling_cost(latin: str, word: str) -> float:
    """Weigh the cheapest way to read lower-case Latin letters as a folded word.

    0 is a spelling letter by letter; above `MOST` the two do not fit, however badly. By
    hand: `gheymat` is قیمت for about 0: gh+ق, ey+ی, m+م, a that is not written, t+ت.
    """
    unreached = float("inf")
    pieces = _pieces(latin)
    costs = [[unreached] * (len(word) + 1) for _ in range(len(latin) + 1)]
    costs[0][0] = 0.0
    for i, row in enumerate(costs):
        for j, cost in enumerate(row):
            if cost > MOST:
                continue
            if j < len(word):
                row[j + 1] = min(row[j + 1], cost + _unheard(word, j))
            if i == len(latin):
                continue
            for length, readings in pieces[i]:
                for letters, price in readings.items():
                    if word.startswith(letters, j):
                        to, end = costs[i + length], j + len(letters)
                        to[end] = min(to[end], cost + price)
            costs[i + 1][j] = min(costs[i + 1][j], cost + _surplus(latin, i))
    return costs[-1][-1]


@lru_cache(maxsize=_REMEMBERED_WORDS)
def _pieces(latin: str) -> list[list[tuple[int, dict[str, float]]]]:
    return [_pieces_at(latin, at) for at in range(len(latin))]


def _pieces_at(latin: str, at: int) -> list[tuple[int, dict[str, float]]]:
    found = []
    for length in range(1, min(_LONGEST_PIECE, len(latin) - at) + 1):
        piece = latin[at : at + length]
        readings = None
        if at == 0:
            readings = _PIECES.get(_START + piece)
        if readings is None and at + length == len(latin):
            readings = _PIECES.get(piece + _END)
        if readings is None:
            readings = _PIECES.get(piece)
        if readings is not None and length == 1 and latin[at : at + 2] in _DIGRAPHS:
            readings = {letters: cost + _APART for letters, cost in readings.items()}
        if readings is not None:
            found.append((length, readings))
    return found


def _unheard(word: str, at: int) -> float:
    letter = word[at]
    if letter == "ا" and at == 0:
        return _FIRST_ALEF
    if letter == "و" and at and word[at - 1] == "خ":
        return _AFTER_KH
    return _UNHEARD.get(letter, _MISSING)


def _surplus(latin: str, at: int) -> float:
    if latin[at] in _VOWELS:
        return _SURPLUS / 2
    return 0 if at and latin[at] == latin[at - 1] else _SURPLUS
