"""Puts what was found for each question of a burst together to one answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from retrieval.answer.choosing import Choice
from retrieval.answer.composing import compose
from retrieval.answer.facts import Fact
from retrieval.answer.matching import Context, Match
from retrieval.dialogue.turns import SUBJECTS_JOINED
from retrieval.dialogue.understanding import Understanding
from retrieval.query.asking import Asked

#: A second statement answers nearly as well as the first.
_CLOSE = 0.2


class DraftAct(StrEnum):
    """What an answer does."""

    ANSWER = "answer"
    SMALL_TALK = "small_talk"
    ASK_BACK = "ask_back"
    HANDOVER = "handover"


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer as the rules write it.

    `text` is composed from the cited facts, and empty where a reply in kind is due.
    `options` are the names that a question back offers. `is_partial` says that one of
    several questions found no answer. `degraded` names the failure of the embedder, if
    words alone were searched.
    """

    act: DraftAct
    understanding: Understanding
    text: str = ""
    facts: tuple[Fact, ...] = ()
    options: tuple[str, ...] = ()
    is_partial: bool = False
    question: str = ""
    subject: str = ""
    matches: tuple[Match, ...] = field(default=(), repr=False)
    degraded: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """One question's reading with the facts that it found, best first."""

    asked: Asked
    context: Context
    text: str
    matches: Sequence[Match]
    failure: str = ""


def use_each_once(found: Sequence[Found]) -> list[Found]:
    """Let one statement answer one question, where another does nearly as well.

    A row of a table, a line that is named, or one that holds both values, may answer
    two: what is said of another name, or on another page, is no answer.
    """
    once: list[Found] = []
    for one in found:
        before = once[-1] if once else None
        if before is None or not before.matches or not one.matches:
            once.append(one)
            continue
        taken = before.matches[0].fact
        if taken.cells or taken.name or one.matches[0].fact.key != taken.key:
            once.append(one)
            continue
        mine, theirs = _without(one, taken), _without(before, taken)
        loss, gain = _loss(one, mine), _loss(before, theirs)
        if min(loss, gain) > _CLOSE:
            once.append(one)
        elif loss <= gain:
            once.append(mine)
        else:
            once[-1] = theirs
            once.append(one)
    return once


def _without(one: Found, fact: Fact) -> Found:
    rest = [match for match in one.matches if match.fact.key != fact.key]
    return replace(one, matches=rest)


def _loss(one: Found, other: Found) -> float:
    if not other.matches:
        return 1.0
    page = one.matches[0].fact.chunk.document_id
    if other.matches[0].fact.chunk.document_id != page:
        return 1.0
    return 1 - other.matches[0].score / one.matches[0].score


def _is_covered(one: Found, answered: Sequence[tuple[Found, Choice]]) -> bool:
    """Tell whether a question's best passage is quoted in answer to another."""
    if not one.matches:
        return False
    quoted = {fact.chunk.document_id for _, choice in answered for fact in choice.facts}
    return one.matches[0].fact.chunk.document_id in quoted


def write_draft(
    understanding: Understanding, found: Sequence[Found], choices: Sequence[Choice]
) -> Draft:
    """Put the answers to all questions of a burst together."""
    answered = [
        (one, choice)
        for one, choice in zip(found, choices, strict=True)
        if choice.facts
    ]
    last = found[-1]
    if not answered:
        options = next((choice.options for choice in choices if choice.options), ())
        asks = any(choice.asks_back for choice in choices)
        act = DraftAct.ASK_BACK if asks else DraftAct.HANDOVER
        return Draft(
            act,
            understanding,
            options=options,
            question=last.text,
            matches=tuple(last.matches[:8]),
        )
    parts = [compose(one.asked, one.context, choice.facts) for one, choice in answered]
    one, choice = answered[-1]
    return Draft(
        DraftAct.ANSWER,
        understanding,
        text="\n".join(dict.fromkeys(parts)),
        facts=tuple(fact for _, choice in answered for fact in choice.facts),
        is_partial=any(
            not choice.facts and not _is_covered(one, answered)
            for one, choice in zip(found, choices, strict=True)
        ),
        question=one.text,
        subject=_subject_of(one, choice.facts),
        matches=tuple(match for other in found for match in other.matches[:8]),
    )


def _subject_of(one: Found, facts: Sequence[Fact]) -> str:
    """Name what an answer was about: the post that was pointed at, or its facts."""
    if one.context.is_referred and not any(fact.name for fact in facts):
        return one.context.name
    return SUBJECTS_JOINED.join(dict.fromkeys(fact.subject for fact in facts))
