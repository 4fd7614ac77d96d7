"""Chooses the facts that answer a question, or says that none does for sure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from retrieval.answer.facts import Fact, figures_of
from retrieval.answer.matching import Context, Match, holds
from retrieval.dialogue.turns import SUBJECTS_JOINED
from retrieval.documents.blocks import BlockKind
from retrieval.query.asking import Asked, AskedTerm, match
from retrieval.query.kinds import ValueKind, kinds_of

# The bounds below were read off two sets of dialogues, of four and of three businesses:
# of what they refuse, fewer answers were right than wrong or a person's case.
#: A lower score is mostly of a fact that merely shares some words.
_LEAST_SCORE = 4.5
#: Where a question leans on others, a fact scores higher by what it shares with those.
_LEAST_LEANING_SCORE = 6.5
#: Two statements nearer than this fit equally, and none is guessed.
_LEAST_MARGIN = 0.2
#: How near all fees fit a question that names no more than "the fee".
_MARGIN_OF_FEES = 0.6
_MOST_FEES = 2
#: How much lower a line may score that states the asked attribute.
_MARGIN_OF_ATTRIBUTE = 1.0
#: Sentences of one passage that nothing in the question tells apart.
_SAME = 0.05
#: Of the question, so much must two statements hold to be quoted together: all of it,
#: where a synonym, such as a translated word, counts .8.
_BOTH_ANSWER = 0.79
#: A question that says much, of which the fact holds next to nothing.
_LEAST_COVERAGE = 0.2
_SAYS_MUCH = 0.8
#: A figure is given for what was named, not for something like it.
_MOST_MISSING_NOUNS = 2
#: A customer who asks for a wedding dress is not offered trousers or a coat.
_MOST_MISSING_OF_OFFERED = 1
#: Of a post's title, so much must be the fact's: else another thing would be answered.
_LEAST_OF_TITLE = 0.45
#: How much lower another fact may score that answers for another of the named things.
_BESIDE = 0.6
_MOST_COMPARED = 3
_QUESTION_MARKS = ("؟", "?")
#: Several things are named: "A and B", "A, B".
_LISTING = re.compile(r"[^\W]\s+(?:و|and)\s+[^\W]|[،,]\s*\S")
_LOOKED_AT = 30
#: A row that holds the whole name of the thing spoken of.
_ALL_OF_SUBJECT = 0.95
#: Values that a business has itself.
_OF_BUSINESS = frozenset({ValueKind.ADDRESS, ValueKind.PLACE, ValueKind.PHONE})


@dataclass(frozen=True, slots=True)
class Choice:
    """The facts to quote, or the names to ask back with; neither is for a person."""

    facts: tuple[Fact, ...] = ()
    options: tuple[str, ...] = ()
    asks_back: bool = False


def choose(asked: Asked, context: Context, matches: Sequence[Match]) -> Choice:
    """Choose among facts, best first. What is outdated is never quoted or offered."""
    if not context and _names_nothing(asked):
        return Choice(asks_back=True)
    if not context and asked.kinds and _is_of_many(asked, matches):
        return Choice(asks_back=True)
    matches = _keep_to_subject(asked, context, matches)
    matches = _prefer_attribute(asked, matches)
    if not matches or not _is_sure(asked, context, matches[0]):
        return Choice()
    matches = [match for match in matches if not match.fact.is_outdated]
    beside = tuple(_beside(asked, context, matches)) or _going_on(matches)
    rivals = _find_rivals(matches, beside)
    if not rivals:
        return Choice((matches[0].fact, *beside))
    is_only = len(rivals) == 1 and not beside
    return _between(matches[0], rivals[0], is_only=is_only)


def _between(best: Match, rival: Match, *, is_only: bool) -> Choice:
    """Choose between two that fit equally: ask back by name, or quote both.

    Two roses are asked back; post and courier are both the price of delivery. Of more
    than two, a pair would be a guess.
    """
    facts = (best.fact, rival.fact)
    names = tuple(dict.fromkeys(fact.subject for fact in facts if _has_name(fact)))
    if len(names) == len(facts) and all(names):
        is_offered = best.measures.missing_noun <= _MOST_MISSING_OF_OFFERED
        return Choice(options=names, asks_back=True) if is_offered else Choice()
    sure = best.measures.coverage, rival.measures.coverage
    same_kind = best.measures.kind == rival.measures.kind
    same_page = best.fact.chunk.document_id == rival.fact.chunk.document_id
    if is_only and min(sure) >= _BOTH_ANSWER and same_kind and same_page:
        return Choice(facts)
    return Choice()


def _has_name(fact: Fact) -> bool:
    """Tell a thing's name from a bare number and from a question."""
    subject = fact.subject.strip()
    is_worded = any(map(str.isalpha, subject))
    return is_worded and not fact.question and not subject.endswith(_QUESTION_MARKS)


def _names_nothing(asked: Asked) -> bool:
    """Tell "how much is it?" from "where are you?", which is of the business itself."""
    asks = bool(asked.kinds or asked.is_bare)
    return asks and not asked.names and asked.kinds.isdisjoint(_OF_BUSINESS)


def _is_of_many(asked: Asked, matches: Sequence[Match]) -> bool:
    """Tell "how much is the fee?", of which each of several things has one."""
    valid = [match for match in matches[:_LOOKED_AT] if not match.fact.is_outdated]
    if not valid or not all(kinds_of(term.term.word) for term in asked.names):
        return False
    best = valid[0]
    alike = {
        match.fact.text
        for match in valid
        if best.score - match.score < _MARGIN_OF_FEES
        and match.measures.kind == 1
        and match.measures.coverage >= _BOTH_ANSWER
    }
    return len(alike) > _MOST_FEES


def _keep_to_subject(
    asked: Asked, context: Context, matches: Sequence[Match]
) -> Sequence[Match]:
    """Leave out other rows of a table where the thing spoken of has one.

    "How much is the coat? Does it come in 44?" is not of another coat in 44.
    """
    if not matches or not context.subject:
        return matches
    if asked.is_comparing:
        return _keep_to_compared(asked, context, matches)
    best = matches[0]
    own = next(
        (match for match in matches if _is_row_beside(match, best) and _is_own(match)),
        None,
    )
    if own is None or not best.fact.cells or _is_own(best):
        return matches
    if any(_names_another(term, best.fact, own.fact) for term in asked.names):
        return matches
    return [match for match in matches if match is own or not match.fact.cells]


def _keep_to_compared(
    asked: Asked, context: Context, matches: Sequence[Match]
) -> Sequence[Match]:
    """Leave out what was not compared, where "which is cheaper?" names nothing."""
    compared = {*context.name.split(SUBJECTS_JOINED)}
    if len(compared) == 1 or any(_is_thing(term) for term in asked.names):
        return matches
    own = [match for match in matches if match.fact.subject in compared]
    return own if {match.fact.subject for match in own} == compared else matches


def _prefer_attribute(asked: Asked, matches: Sequence[Match]) -> Sequence[Match]:
    """Put the line of a page that states the asked attribute first.

    "Which colours does the coat come in?" is not answered by the coat's price.
    """
    attributes = [term for term in asked.names if term.is_attribute]
    if not attributes or not matches:
        return matches
    best = matches[0]
    if any(holds(term, best.fact) for term in attributes):
        return matches
    for other in islice(matches, 1, _LOOKED_AT):
        if best.score - other.score > _MARGIN_OF_ATTRIBUTE:
            break
        if (
            other.fact.chunk.document_id == best.fact.chunk.document_id
            and other.measures.coverage > best.measures.coverage
            and all(holds(term, other.fact) for term in attributes)
        ):
            return [
                other,
                *(
                    match
                    for match in matches
                    if match is not other and match.score < other.score
                ),
            ]
    return matches


def _is_thing(term: AskedTerm) -> bool:
    return term.is_name and not term.is_attribute


def _names_another(term: AskedTerm, fact: Fact, own: Fact) -> bool:
    """Tell a word that names a thing, the row's before the one spoken of.

    A number names the row of a size, and is a property of a coat.
    """
    if term.is_attribute:
        return False
    is_name = term.is_name and not term.term.is_number
    return is_name or match(term, fact.name) > match(term, own.name)


def _is_own(match: Match) -> bool:
    """Tell the row of the thing spoken of."""
    return match.measures.subject >= _ALL_OF_SUBJECT


def _is_row_beside(match: Match, best: Match) -> bool:
    same = match.fact.chunk.document_id == best.fact.chunk.document_id
    return same and bool(match.fact.cells)


def _is_sure(asked: Asked, context: Context, best: Match) -> bool:
    measured = best.measures
    least = _LEAST_LEANING_SCORE if context else _LEAST_SCORE
    if best.score < least or best.fact.is_outdated:
        return False
    if context.is_referred and not asked.names:
        return measured.subject >= _LEAST_OF_TITLE
    if measured.coverage < _LEAST_COVERAGE and measured.asks > _SAYS_MUCH:
        return False
    is_figure = measured.kind == 1
    return not is_figure or (
        measured.missing_noun <= _MOST_MISSING_NOUNS and not measured.missing_strange
    )


def _find_rivals(matches: Sequence[Match], chosen: Sequence[Fact]) -> list[Match]:
    """Find statements that fit as well as the best and are not quoted beside it."""
    best = matches[0]
    return [
        other
        for other in islice(matches, 1, _LOOKED_AT)
        if best.score - other.score < _LEAST_MARGIN
        and other.fact not in chosen
        and not _agree(best.fact, other.fact)
    ]


def _agree(fact: Fact, other: Fact) -> bool:
    """Tell whether another statement of the same thing gives no further figure.

    Two things of one price are two, and are asked back.
    """
    mine, theirs = figures_of(fact), figures_of(other)
    is_of_same = fact.subject == other.subject
    return fact.text == other.text or bool(is_of_same and theirs and theirs <= mine)


def _going_on(matches: Sequence[Match]) -> tuple[Fact, ...]:
    """Quote another sentence of the same passage that fits as well."""
    best = matches[0]
    for other in islice(matches, 1, _LOOKED_AT):
        if best.score - other.score >= _SAME:
            break
        if (
            other.fact.chunk.chunk_id == best.fact.chunk.chunk_id
            and not best.fact.cells
        ):
            return (other.fact,)
    return ()


def _beside(asked: Asked, context: Context, matches: Sequence[Match]) -> Iterator[Fact]:
    """Yield facts that answer the same for the other things that were named.

    Each holds a name that no fact before it does, has the form of the first, and scores
    nearly as high: "how much are A and B?", "which is cheaper, A or B?".
    """
    best = matches[0]
    if not asked.is_comparing and _LISTING.search(asked.text) is None:
        return
    missing = _names_without(best.fact, asked, context)
    left = _MOST_COMPARED - 1
    for other in islice(matches, 1, _LOOKED_AT):
        if not missing or not left or other.score < _BESIDE * best.score:
            return
        if not _is_alike(best, other):
            continue
        found = [term for term in missing if _is_about(term, other.fact, asked)]
        if found:
            yield other.fact
            left -= 1
            missing = [term for term in missing if term not in found]


def _names_without(fact: Fact, asked: Asked, context: Context) -> list[AskedTerm]:
    """List the names in a question that a fact is not about."""
    named = [*asked.names]
    if asked.is_comparing and not any(term.is_name for term in named):
        named += context.subject
    return [
        term
        for term in named
        if (term.is_name or (asked.is_comparing and term.is_known and term.is_noun))
        and not _is_about(term, fact, asked)
    ]


def _is_about(term: AskedTerm, fact: Fact, asked: Asked) -> bool:
    """Tell whether a fact is about a name; of two compared things, by its own name."""
    if asked.is_comparing and fact.name and not term.term.is_number:
        return match(term, fact.name) > 0 or match(term, fact.above) > 0
    return holds(term, fact) or match(term, fact.above) > 0


def _is_alike(best: Match, other: Match) -> bool:
    return best.measures.kind == other.measures.kind and BlockKind.PAIR not in (
        best.fact.kind,
        other.fact.kind,
    )
