"""Tells a text that says of itself that it is no longer valid."""

from functools import lru_cache
from itertools import pairwise

from retrieval.answer.statements import WORDS
from retrieval.data.loading import load_groups
from retrieval.text.normalise import normalise
from retrieval.text.sentences import split_sentences

_REMEMBERED_TEXTS = 4_096
_WORDS = {
    group: tuple(f" {normalise(phrase)} " for phrase in phrases)
    for group, phrases in load_groups(
        "statements/outdated.tsv", ("expired", "itself", "old", "former")
    ).items()
}


@lru_cache(maxsize=_REMEMBERED_TEXTS)
def is_outdated(title: str, text: str) -> bool:
    """Tell whether a passage or its title says that it was replaced or has expired.

    By hand: «این نرخ‌نامه منسوخ است» does, and «قوانین قبلی منسوخ شد» speaks of another.
    """
    if _holds(title, "old") or _is_former(title):
        return True
    return any(
        _holds(sentence, "expired") and _holds(sentence, "itself")
        for sentence in split_sentences(text)
    )


def _is_former(title: str) -> bool:
    """Tell "the old rules" from a page about old telephones."""
    words = normalise(title).split()
    return any(
        before in WORDS["generic"] and f" {word} " in _WORDS["former"]
        for before, word in pairwise(words)
    )


def _holds(text: str, group: str) -> bool:
    folded = f" {normalise(text)} "
    return any(phrase in folded for phrase in _WORDS[group])
