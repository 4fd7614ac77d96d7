"""Finds the words to look for in texts of the other language: English and Persian."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from rapidfuzz.distance import OSA

from retrieval.data.loading import load_rows
from retrieval.query.alignment import spelling_cost
from retrieval.query.vocabulary import Vocabulary, split_endings
from retrieval.text.language import STOP_WORDS, drop_addresses
from retrieval.text.normalise import normalise

# The first word of an entry is the one that documents use most.
_BEST, _FURTHER = 1.0, 0.6
# An entry that was found by a typing error, and a name that was read by its letters.
_MISTYPED = 0.7
_NAMED = 0.8
_SHORTEST_MISTYPED = 6
_SHORTEST_NAME = 3
_WORST_NAME = 0.5
_MOST_NAMES = 2
_LONGEST_PHRASE = 4

_APOSTROPHE = re.compile("['’`]")
_LATIN_WORD = re.compile("[a-z]+")
_REMEMBERED_WORDS = 4_096


def translate_terms(
    text: str, vocabulary: Vocabulary | None = None
) -> dict[str, float]:
    """Translate an English question into Persian words to look for, with weights.

    In the order of the question; a weight is at most 1. Words that tell nothing are
    left out. With a vocabulary, names are read by their letters: `Negin` is نگین where
    the tenant's texts have it. Empty if nothing of the question is known.
    """
    terms: dict[str, float] = {}
    for english, entry in read_phrases(text):
        share = _BEST if english in _BY_ENGLISH else _MISTYPED
        found = _weigh(entry, share)
        if not entry and vocabulary is not None:
            found = read_name(english, vocabulary)
        for word, weight in found.items():
            terms[word] = max(weight, terms.get(word, 0))
    return terms


def translate_to_english(text: str) -> dict[str, float]:
    """Translate a Persian question into English words to look for, with weights.

    The same table read the other way; in the order of the question. Latin words are
    left out, for they are looked for as they stand.
    """
    terms: dict[str, float] = {}
    words = normalise(drop_addresses(text)).split()
    start = 0
    while start < len(words):
        length, entry = _persian_entry(words, start)
        for english, weight in entry.items():
            terms[english] = max(weight, terms.get(english, 0))
        start += length
    return terms


def is_english(word: str) -> bool:
    """Tell whether a lower-case word is a frequent English one, or a form of one."""
    word = _APOSTROPHE.sub("", word)
    return any(form in _ENGLISH_WORDS for form in _forms(word))


def read_phrases(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the known phrases of a question, longest first, and its unknown words."""
    words = _APOSTROPHE.sub("", normalise(_join_possessive(text))).split()
    start = 0
    while start < len(words):
        length, key = _phrase_at(words, start)
        if key:
            yield key, _BY_ENGLISH[key]
        else:
            word = words[start]
            near = _mend(word)
            if near is not None:
                yield word, _BY_ENGLISH[near]
            elif _LATIN_WORD.fullmatch(word) and not is_english(word):
                yield word, ()
        start += length


def _join_possessive(text: str) -> str:
    return re.sub(r"(?<=\w)['’]s\b", "", drop_addresses(text))


def _phrase_at(words: Sequence[str], start: int) -> tuple[int, str]:
    for length in range(min(_LONGEST_PHRASE, len(words) - start), 0, -1):
        *first, last = words[start : start + length]
        for form in _forms(last):
            phrase = " ".join((*first, form))
            if phrase in _BY_ENGLISH:
                return length, phrase
    return 1, ""


@lru_cache(maxsize=_REMEMBERED_WORDS)
def _forms(word: str) -> tuple[str, ...]:
    """List what an English word may be a form of: itself first, then its stems."""
    forms = [word]
    for ending, stems in _ENGLISH_ENDINGS.items():
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_NAME:
            base = word.removesuffix(ending)
            forms += [base + stem for stem in stems]
            if ending in ("ing", "ed") and base[-1] == base[-2]:
                forms.append(base[:-1])  # shipped, shipping
    return (*forms,)


_ENGLISH_ENDINGS = {
    "ies": ("y",),
    "es": ("", "e"),
    "s": ("",),
    "ing": ("", "e"),
    "ed": ("", "e"),
    "er": ("", "e"),
    "est": ("", "e"),
    "ly": ("",),
}


@lru_cache(maxsize=_REMEMBERED_WORDS)
def _mend(word: str) -> str | None:
    """Find the one entry that a mistyped English word is near to."""
    if len(word) < _SHORTEST_MISTYPED or not word.isascii() or is_english(word):
        return None
    near = [w for w in _LONG_ENTRIES if _is_slip(word, w)]
    meanings = {_BY_ENGLISH[other] for other in near}
    return near[0] if len(meanings) == 1 else None


def _is_slip(word: str, other: str) -> bool:
    """Tell whether a letter is too many, too few or swapped; another is a new word."""
    is_swapped = len(word) != len(other) or sorted(word) == sorted(other)
    is_near = is_swapped and OSA.distance(word, other, score_cutoff=1) <= 1
    return is_near and word[0] == other[0]


def _weigh(entry: Sequence[str], share: float) -> dict[str, float]:
    return {
        word: share * (_FURTHER if rank else _BEST) for rank, word in enumerate(entry)
    }


def read_name(english: str, vocabulary: Vocabulary) -> dict[str, float]:
    """Read a name by its letters, as the tenant's texts write it, with weights."""
    if len(english) < _SHORTEST_NAME:
        return {}
    if vocabulary.count(english) > 0:
        return {english: _BEST}
    costs = {
        word: spelling_cost(english, word) for word in vocabulary.sounding(english)
    }
    near = sorted((cost, word) for word, cost in costs.items() if word in vocabulary)
    return {
        vocabulary.surface(word): _NAMED
        for cost, word in near[:_MOST_NAMES]
        if cost <= _WORST_NAME
    }


def _persian_entry(words: Sequence[str], start: int) -> tuple[int, dict[str, float]]:
    for length in range(min(_LONGEST_PHRASE, len(words) - start), 0, -1):
        *first, last = words[start : start + length]
        for form in (last, *(stem for stem, _ in split_endings(last))):
            entry = _BY_PERSIAN.get(" ".join((*first, form)))
            if entry is not None:
                return length, entry
    return 1, {}


def _turn() -> dict[str, dict[str, float]]:
    turned: dict[str, dict[str, float]] = {}
    for english, entry in _BY_ENGLISH.items():
        for rank, word in enumerate(entry):
            terms = turned.setdefault(normalise(word), {})
            terms[english] = max(_FURTHER if rank else _BEST, terms.get(english, 0))
    return turned


_BY_ENGLISH = {
    english: (*entry,) for english, *entry in load_rows("speech/english.tsv")
}
_BY_PERSIAN = _turn()
_LONG_ENTRIES = [
    english
    for english in _BY_ENGLISH
    if len(english) >= _SHORTEST_MISTYPED and " " not in english
]
_ENGLISH_WORDS = frozenset(
    _APOSTROPHE.sub("", word)
    for row in load_rows("speech/english_words.tsv")
    for word in row
).union(
    (word for phrase in _BY_ENGLISH for word in phrase.split()),
    (word for word in STOP_WORDS if word.isascii()),
)
