"""Mends typing errors by the words that a tenant's texts and most customers use.

Only a word that nobody knows is changed, and only if one known word fits best. What a
customer wrote stays as it is for people: the mended text serves the search alone.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from math import log2

from retrieval.query.letters import are_stand_ins, fold_sounds, key_distance
from retrieval.query.vocabulary import (
    LONG_WORD,
    Vocabulary,
    split_endings,
)
from retrieval.text.normalise import normalise, normalise_mildly

_ZWNJ = "\u200c"
_TOKEN = re.compile(rf"[\u0621-\u06cc]+(?:{_ZWNJ}+[\u0621-\u06cc]+)*")
_VERB_PREFIXES = ("می", "نمی")
# Endings that many write apart; what they end is looked at with them.
_LOOSE_ENDINGS = frozenset(("ها", "های", "تر", "ترین", "ای", "ام", "ات", "اش"))

# One slip of a finger is 1. Cheaper are the slips that people make most.
_SAME_SOUND = 0.3
_STAND_IN = 0.5
_NEIGHBOUR = 0.7
_OTHER_ROW = 0.1
_SWAPPED = 0.7
_DOUBLED = 0.6
_VOWEL = 0.85
_FIRST_LETTER = 0.4
_VOWELS = "اویه"
_LIKELY_SLIP = 0.9
_ANY_SLIP = 1.3
_TWO_SLIPS = 2.0
_SAME_LETTERS = 1.2
# What else speaks for a word or against it.
_FOREIGN = 0.3  # it is none of the tenant's
_FREQUENT = 0.08  # for each doubling of the number of texts, up to five
_MOST_DOUBLINGS = 5
_GUESSED = 0.2  # it was made by rule, and may be a verb that nobody uses
_ENDING = 0.15
# Endings of which one letter does not make another word.
_SURE_ENDINGS = "ها های هاش هاتون هایی هام تون شون مون م ش ی"
_IS_SURE = frozenset(_SURE_ENDINGS.split())
_SPLIT = 0.45
_SHORT_PART = 0.2
# Nearer to each other than this, two words fit equally well.
_MARGIN = 0.12
_SHORTEST_HEARD = 3
_SHORTEST_MISTYPED = 4
_SHORTEST_SPLIT = 6
_SHORTEST_JOINED = 5
_SHORTEST_PART = 2
_MOST_WEIGHED = 24
_REMEMBERED_PAIRS = 8_192


def correct(word: str, vocabulary: Vocabulary) -> str | None:
    """Mend a word that nobody knows; None if it is known, or if nothing fits best.

    The answer is folded as `normalise` does, without half-spaces; two words where a
    space was missing. By hand: `ارصال` is `ارسال`, `چندروزه` is `چند روزه`.
    """
    folded = normalise(word)
    if len(folded) < _SHORTEST_HEARD or vocabulary.spells(folded):
        return None
    if not vocabulary.known(folded):
        fits = _weigh(folded, vocabulary)
    else:
        fits = dict(_likelier(folded, vocabulary))
    if not fits:
        return None
    best, *others = sorted(fits, key=lambda fit: (fits[fit], fit))
    rivals = (
        other
        for other in others
        if fits[other] - fits[best] < _MARGIN and not _are_akin(best, other)
    )
    return None if any(rivals) else best


def correct_text(text: str, vocabulary: Vocabulary) -> str:
    """Mend the words of a text one by one; the rest stays as it is.

    Words that were torn apart are joined («ار سال»), and a verb is looked at with its
    می. Mended words are written as the tenant's texts write them.
    """
    text = normalise_mildly(text)
    pieces: list[str] = []
    end = 0
    tokens = list(_TOKEN.finditer(text))
    at = 0
    while at < len(tokens):
        token = tokens[at]
        pieces.append(text[end : token.start()])
        following = tokens[at + 1] if at + 1 < len(tokens) else None
        joined = None
        if following and text[token.end() : following.start()] == " ":
            joined = _join(token[0], following[0], vocabulary)
        if joined is not None and following is not None:
            pieces.append(joined)
            end = following.end()
            at += 2
        else:
            pieces.append(_mend(token[0], vocabulary))
            end = token.end()
            at += 1
    return "".join((*pieces, text[end:]))


def _mend(word: str, vocabulary: Vocabulary) -> str:
    if _ZWNJ in word and not vocabulary.known(word):
        # Half-spaces are put with care: what stands between them is a word of its own.
        return _ZWNJ.join(_mend(part, vocabulary) for part in word.split(_ZWNJ))
    mended = correct(word, vocabulary)
    if mended is None:
        return word
    return " ".join(vocabulary.surface(part) for part in mended.split())


def _join(one: str, other: str, vocabulary: Vocabulary) -> str | None:
    """Read two words as one, if they are a verb with its می, or a torn word."""
    whole = normalise(one + other)
    if one in _VERB_PREFIXES or other in _LOOSE_ENDINGS:
        if vocabulary.known(whole) or vocabulary.known(other):
            return f"{one} {other}" if one in _VERB_PREFIXES else None
        if one in _VERB_PREFIXES:
            mended = correct(whole, vocabulary)
            return None if mended is None else vocabulary.surface(mended)
        return None
    is_known = vocabulary.known(one) and vocabulary.known(other)
    if is_known or len(whole) < _SHORTEST_JOINED:
        return None
    return vocabulary.surface(whole) if vocabulary.lists(whole) else None


def _likelier(word: str, vocabulary: Vocabulary) -> Iterator[tuple[str, float]]:
    """Weigh what a word may be that is one only by an ending of one letter.

    By hand: کوشی may be کوش, زمانت may be زمان; where the texts have گوشی and ضمانت,
    which sound the same or differ by a letter that Arabic keyboards lack, it is those.
    """
    stems = [hit for hit in split_endings(word) if vocabulary.spells(hit[0])]
    if any(len(ending) > 1 or stem in vocabulary for stem, ending in stems):
        return
    functions = vocabulary.common.functions
    for near, cost in _near_fits(word, vocabulary, _STAND_IN):
        if near in vocabulary or near in functions:
            yield near, cost


def _weigh(word: str, vocabulary: Vocabulary) -> dict[str, float]:
    """Weigh all that a word may have been meant for; lower fits better."""
    fits = dict(_near_fits(word, vocabulary))
    for stem, ending in split_endings(word):
        if ending in _IS_SURE and word == stem + ending:
            for near, cost in _near_fits(stem, vocabulary, _LIKELY_SLIP):
                whole = near + ending
                fits[whole] = min(cost + _ENDING, fits.get(whole, cost + _ENDING))
    return fits | dict(_splits(word, vocabulary))


def _near_fits(
    word: str, vocabulary: Vocabulary, most: float = 2
) -> Iterator[tuple[str, float]]:
    """Weigh the words nearby, with at most so many slips: see `_cost`."""
    near = vocabulary.near(word, 2 if len(word) >= LONG_WORD else 1)
    guessed = vocabulary.common.guessed
    likely = sorted(near, key=lambda hit: (hit[1], hit[0] in guessed))
    for other, edits in likely[:_MOST_WEIGHED]:
        cost = _cost(word, other)
        is_own = vocabulary.count(other) > 0
        if cost <= min(most, _most_slips(len(word), edits, is_own=is_own)):
            yield other, cost + _bias(other, vocabulary)


def _most_slips(length: int, edits: int, *, is_own: bool) -> float:
    """Bound what may be wrong with a word: a short one has hardly anything left."""
    if edits > 1:
        return _TWO_SLIPS if is_own else 0
    if edits == 0:
        return _SAME_LETTERS
    if length < _SHORTEST_MISTYPED:
        return _STAND_IN
    if length == _SHORTEST_MISTYPED:
        return _LIKELY_SLIP
    return _ANY_SLIP if is_own or length >= LONG_WORD else 1


def _bias(word: str, vocabulary: Vocabulary) -> float:
    count = vocabulary.count(word)
    if count > 0:
        return -_FREQUENT * min(log2(count), _MOST_DOUBLINGS)
    return _FOREIGN + (_GUESSED if word in vocabulary.common.guessed else 0)


def _splits(word: str, vocabulary: Vocabulary) -> Iterator[tuple[str, float]]:
    """Read a word as two that lost the space between them."""
    if len(word) < _SHORTEST_SPLIT:
        return
    for cut in range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1):
        parts = (word[:cut], word[cut:])
        if not all(vocabulary.lists(part) for part in parts):
            continue
        cost = _SPLIT
        for part in parts:
            is_function = part in vocabulary.common.functions
            if len(part) <= _SHORTEST_HEARD and not is_function:
                cost += _SHORT_PART
            cost += max(_bias(part, vocabulary), 0) / 2
        yield " ".join(parts), cost


def _are_akin(one: str, other: str) -> bool:
    """Tell whether two words differ by their endings alone, as رنگ and رنگی do."""
    stems = {one, *(stem for stem, _ in split_endings(one))}
    return not stems.isdisjoint({other, *(stem for stem, _ in split_endings(other))})


def _cost(typed: str, meant: str) -> float:
    """Weigh the slips between two words: optimal string alignment with own costs."""
    width = len(meant) + 1
    rows = [[float(at) for at in range(width)]]
    for i, letter in enumerate(typed, start=1):
        row = [float(i)]
        for j, wanted in enumerate(meant, start=1):
            best = min(
                rows[-1][j - 1] + _substitution(letter, wanted),
                rows[-1][j] + _surplus(typed, i - 1),
                row[-1] + (_VOWEL if wanted in _VOWELS else 1),
            )
            if i > 1 and j > 1 and letter == meant[j - 2] and typed[i - 2] == wanted:
                best = min(best, rows[-2][j - 2] + _SWAPPED)
            row.append(best)
        rows.append(row)
    is_same_start = _substitution(typed[0], meant[0]) <= _STAND_IN
    return rows[-1][-1] + (0 if is_same_start else _FIRST_LETTER)


@lru_cache(maxsize=_REMEMBERED_PAIRS)
def _substitution(typed: str, meant: str) -> float:
    if typed == meant:
        return 0
    if fold_sounds(typed) == fold_sounds(meant):
        return _SAME_SOUND
    if are_stand_ins(typed, meant):
        return _STAND_IN
    rows = key_distance(typed, meant)
    return 1 if rows is None else _NEIGHBOUR + rows * _OTHER_ROW


def _surplus(typed: str, at: int) -> float:
    if at and typed[at] == typed[at - 1]:
        return _DOUBLED
    return _VOWEL if typed[at] in _VOWELS else 1
