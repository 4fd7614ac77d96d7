"""Finds a question's words in the list of synonyms, by endings and typing errors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from retrieval.query.synonyms import RELATED, SAME
from retrieval.query.typing_errors import NearWords
from retrieval.text.normalise import normalise
from retrieval.text.stopwords import FILLERS

_LONGEST_PHRASE = 3
_SHORTEST_STEM = 3
# People use few words; each is asked for up to three times in a question.
_REMEMBERED_WORDS = 8_192
# Plural, possession, indefiniteness, copula, object: longest first, as they pile up.
_ENDINGS_BY_LENGTH = """
    هایتان هایشان هایمان هایی هایم هاتون هاشون هامون های ها تون شون مون تان شان مان یی
    ام ات اش م ت ش ی و ه ا ن
"""
_ENDINGS = (*_ENDINGS_BY_LENGTH.split(),)


@dataclass(frozen=True, slots=True)
class Meaning:
    """A run of a question's words that has synonyms."""

    start: int
    length: int
    words: str
    """The synonym as it is listed."""

    others: tuple[str, ...]
    """Every other listed Persian word for it, over all its entries."""

    usual: str
    """The word that documents use most for the same; itself if there is no such."""


def find_meanings(words: Sequence[str]) -> tuple[Meaning, ...]:
    """Look up folded words, longest phrases first; none overlaps another."""
    meanings = []
    start = 0
    while start < len(words):
        meaning = _longest_at(words, start)
        if meaning is None:
            start += 1
        else:
            meanings.append(meaning)
            start += meaning.length
    return tuple(meanings)


def replace_by_usual(words: Sequence[str], meanings: Sequence[Meaning]) -> str:
    """Say it with the words that documents use most.

    By hand: `گارانتی` is listed after `ضمانت`, so it becomes `ضمانت`.
    """
    said = list(words)
    for meaning in reversed(meanings):
        end = meaning.start + meaning.length
        if meaning.words != meaning.usual:
            said[meaning.start : end] = [meaning.usual]
    return " ".join(said)


def _longest_at(words: Sequence[str], start: int) -> Meaning | None:
    for length in range(min(_LONGEST_PHRASE, len(words) - start), 0, -1):
        *first, last = words[start : start + length]
        for stem in _readings(last):
            phrase = " ".join((*first, stem))
            others = _OTHERS.get(phrase)
            if others is not None:
                usual = _USUAL.get(phrase, phrase)
                return Meaning(start, length, phrase, others, usual)
    return None


@lru_cache(maxsize=_REMEMBERED_WORDS)
def _readings(word: str) -> tuple[str, ...]:
    return (*_stems(word), *_mistyped(word))


def _stems(word: str) -> Iterator[str]:
    yield word
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            yield word.removesuffix(ending)


def _mistyped(word: str) -> Iterator[str]:
    """Yield the listed words that it may be by a slip of a finger."""
    if word not in FILLERS:
        for stem in _stems(word):
            yield from _NEAR.find(stem)


def _fold(entry: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(normalise(word) for word in entry))


def _collect_others() -> dict[str, tuple[str, ...]]:
    others: dict[str, dict[str, None]] = {}
    for entry in map(_fold, (*SAME, *RELATED)):
        for word in entry:
            # English words are understood and never looked for: in English texts they
            # would meet the question's own, in Persian ones they are not there.
            others.setdefault(word, {}).update(
                (other, None)
                for other in entry
                if other != word and not other.isascii()
            )
    return {word: (*found,) for word, found in others.items()}


_OTHERS = _collect_others()
_USUAL = {word: entry[0] for entry in map(_fold, SAME) for word in entry}
_NEAR = NearWords(_OTHERS)
