"""Tells a customer who only sends automatic texts: another bot, an absence note."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import SequenceMatcher

from retrieval.dialogue.spelling import read_words

#: People ask the same again after a while; machines do within seconds or minutes.
WINDOW = timedelta(minutes=10)
#: How often equal texts are answered.
MOST_ANSWERED = 2
#: "Do you have 42?" and "... 44?" are alike and are two questions, which documents
#: answer: of those a person looks after as many.
MOST_ALIKE = 4
_NEARLY = 0.8
_LEAST_WORDS = 5


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was said, and whether documents answered it."""

    said: str
    at: datetime
    is_sourced: bool = False


def is_automatic(said: str, at: datetime, before: Sequence[Exchange]) -> bool:
    """Tell whether a message is the next of a row of equal or nearly equal texts.

    `before` are the exchanges that we answered, oldest first.
    """
    last = [one for one in before if at - one.at <= WINDOW]
    lately = last[-MOST_ANSWERED:]
    if len(lately) == MOST_ANSWERED:
        if all(_is_same(said, one.said) for one in lately):
            return True
        alike = all(_is_alike(said, one.said) for one in lately)
        if alike and not any(one.is_sourced for one in lately):
            return True
    long = last[-MOST_ALIKE:]
    return len(long) == MOST_ALIKE and all(_is_alike(said, one.said) for one in long)


def _is_same(said: str, other: str) -> bool:
    """Compare words and figures; if there are none, the signs."""
    return (_words(said) or [said.strip()]) == (_words(other) or [other.strip()])


def _is_alike(said: str, other: str) -> bool:
    """Compare words without figures: counters and times change in automatic texts."""
    mine, theirs = _without_figures(said), _without_figures(other)
    if mine == theirs:
        return bool(mine) or _is_same(said, other)
    if min(len(mine), len(theirs)) < _LEAST_WORDS:
        return False
    return SequenceMatcher(None, mine, theirs, autojunk=False).ratio() >= _NEARLY


def _words(text: str) -> list[str]:
    """Read the words of each line once: a burst may hold the same text twice."""
    lines = dict.fromkeys(
        tuple(word.folded for word in read_words(line) if not word.is_sign)
        for line in text.splitlines()
    )
    return [word for line in lines for word in line]


def _without_figures(text: str) -> list[str]:
    lines = dict.fromkeys(
        tuple(
            word.folded
            for word in read_words(line)
            if not word.is_sign and not any(map(str.isdigit, word.folded))
        )
        for line in text.splitlines()
    )
    return [word for line in lines for word in line]
