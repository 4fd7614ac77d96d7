"""Chooses the facts that answer a question, or says that none does for sure."""

from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.answer.facts import Fact
from retrieval.answer.matching import Context, Match
from retrieval.query.asking import Asked

_THRESHOLD = 4.0


@dataclass(frozen=True, slots=True)
class Choice:
    """The facts to quote, or the names to ask back with, or neither: a person's case."""

    facts: tuple[Fact, ...] = ()
    options: tuple[str, ...] = ()
    asks_back: bool = False


def choose(asked: Asked, context: Context, matches: Sequence[Match]) -> Choice:
    """Choose among facts, best first."""
    if not matches:
        return Choice()
    if not context and not asked.names and (asked.kinds or asked.is_bare):
        return Choice(asks_back=True)
    if matches[0].score < _THRESHOLD:
        return Choice()
    return Choice((matches[0].fact,))
