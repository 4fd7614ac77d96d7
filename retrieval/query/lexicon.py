"""Finds a question's words in the list of synonyms, whatever their endings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from retrieval.normalise import normalise
from retrieval.query.synonyms import SYNONYMS

_LONGEST_PHRASE = 3
_SHORTEST_STEM = 3
# Plural, possession, indefiniteness, copula, object: longest first, as they pile up.
_ENDINGS = """
    هایتان هایشان هایمان هایی هایم هاتون هاشون هامون های ها تون شون مون تان شان مان یی
    ام ات اش م ت ش ی و ه ا ن
"""


@dataclass(frozen=True, slots=True)
class Meaning:
    """A run of a question's words that has synonyms."""

    start: int
    length: int
    words: str
    """The synonym as it is listed."""

    others: tuple[str, ...]
    """Every other listed word for it, over all its entries."""

    usual: str
    """The word that documents use most for it."""


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
        for stem in _stems(last):
            phrase = " ".join((*first, stem))
            entries = _ENTRIES_OF.get(phrase)
            if entries is not None:
                others = dict.fromkeys(
                    word for entry in entries for word in entry if word != phrase
                )
                return Meaning(start, length, phrase, (*others,), entries[0][0])
    return None


def _stems(word: str) -> Iterator[str]:
    yield word
    for ending in _ENDINGS.split():
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            yield word.removesuffix(ending)


def _index_entries() -> dict[str, list[tuple[str, ...]]]:
    entries_of: dict[str, list[tuple[str, ...]]] = {}
    for entry in SYNONYMS:
        folded = tuple(dict.fromkeys(normalise(word) for word in entry))
        for word in folded:
            entries_of.setdefault(word, []).append(folded)
    return entries_of


_ENTRIES_OF = _index_entries()
