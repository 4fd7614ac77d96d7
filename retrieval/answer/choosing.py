"""Chooses the facts that answer a question, or says that none does for sure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from retrieval.answer.facts import Fact
from retrieval.answer.matching import Context, Match, holds
from retrieval.query.asking import Asked, AskedTerm, match

_THRESHOLD = 4.0
#: Of a post's title, so much must be the fact's: else another thing would be answered.
_LEAST_OF_TITLE = 0.45
#: How much lower another fact may score that answers for another of the named things.
_BESIDE = 0.6
_MOST_COMPARED = 3


@dataclass(frozen=True, slots=True)
class Choice:
    """The facts to quote, or the names to ask back with, or neither: a person's case."""

    facts: tuple[Fact, ...] = ()
    options: tuple[str, ...] = ()
    asks_back: bool = False


def choose(asked: Asked, context: Context, matches: Sequence[Match]) -> Choice:
    """Choose among facts, best first."""
    if not context and not asked.names and (asked.kinds or asked.is_bare):
        return Choice(asks_back=True)
    if not matches or not _is_sure(asked, context, matches[0]):
        return Choice()
    return Choice((matches[0].fact, *_beside(asked, context, matches)))


def _is_sure(asked: Asked, context: Context, best: Match) -> bool:
    if best.score < _THRESHOLD:
        return False
    if context.is_referred and not asked.names:
        return best.features["subject"] >= _LEAST_OF_TITLE
    return True


def _beside(
    asked: Asked, context: Context, matches: Sequence[Match]
) -> Iterator[Fact]:
    """Yield facts that answer the same for the other things that were named.

    Each holds a name that no fact before it does, has the form of the first, and scores
    nearly as high: "how much are A and B?", "which is cheaper, A or B?".
    """
    best = matches[0]
    missing = _names_without(best.fact, asked, context)
    left = _MOST_COMPARED - 1
    for match in islice(matches, 1, 30):
        if not missing or not left or match.score < _BESIDE * best.score:
            return
        if not _is_alike(best, match):
            continue
        found = [term for term in missing if holds(term, match.fact)]
        if found:
            yield match.fact
            left -= 1
            missing = [term for term in missing if term not in found]


def _names_without(fact: Fact, asked: Asked, context: Context) -> list[AskedTerm]:
    """List the names in a question that a fact does not hold."""
    named = [*asked.names]
    if asked.is_comparing and not any(term.is_name for term in named):
        named += context.subject
    return [
        term
        for term in named
        if (term.is_name or (asked.is_comparing and term.is_known))
        and not _is_named(term, fact, asked)
    ]


def _is_named(term: AskedTerm, fact: Fact, asked: Asked) -> bool:
    """Tell whether a fact is about a name; of two compared things, by its own name."""
    if asked.is_comparing and fact.name and not term.term.is_number:
        return match(term, fact.name) > 0 or match(term, fact.above) > 0
    return holds(term, fact)


def _is_alike(best: Match, other: Match) -> bool:
    return (
        best.features["kind"] == other.features["kind"]
        and best.features["pair"] == other.features["pair"] == 0
    )
