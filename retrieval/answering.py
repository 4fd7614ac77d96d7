"""From a customer's words to an answer: understood, searched, chosen, composed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from retrieval.answer.choosing import Choice, choose
from retrieval.answer.composing import compose
from retrieval.answer.facts import Fact, read_facts
from retrieval.answer.matching import (
    NOTHING,
    Context,
    Match,
    Similarities,
    score_facts,
)
from retrieval.answer.superseding import drop_superseded
from retrieval.dialogue.acts import HANDED_OVER, Act, Spoken, read_burst
from retrieval.dialogue.nearness import ActExamples
from retrieval.dialogue.turns import Burst, Turn, find_referred
from retrieval.dialogue.understanding import SearchedQuestion, Understanding
from retrieval.embedding.embedder import Embedder
from retrieval.index.knowledge import IndexedChunk, SearchRequest, SourceType
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.production_rag import average
from retrieval.query.asking import (
    Asked,
    AskedTerm,
    read_english_question,
    read_question,
)
from retrieval.query.finglish import transliterate
from retrieval.query.forms import build_forms, to_search_text
from retrieval.query.kinds import ValueKind
from retrieval.query.spelling import correct_text
from retrieval.text.language import Language

_CANDIDATES = 60
#: Between the subjects of an answer about several things.
SUBJECTS_JOINED = "، "
#: More questions in one burst are a letter, which a person reads.
_MAX_QUESTIONS = 3
_MAX_CAPTION_TERMS = 6
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
    several questions found no answer.
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


@dataclass(frozen=True, slots=True)
class _Found:
    """One question's reading with the facts that it found, best first."""

    asked: Asked
    context: Context
    text: str
    matches: Sequence[Match]


class Answerer:
    """Answers from a tenant's index without a model. Threads may share one."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._examples: ActExamples | None = None

    def answer(
        self,
        burst: Burst,
        turns: Sequence[Turn],
        index: KnowledgeIndex,
        language: Language | None = None,
    ) -> Draft:
        """Answer a burst, or say why a person must; `language` is the shop's.

        Raises EmbeddingError and SearchFailedError.
        """
        spoken = read_burst(burst.texts, language, self._nearest)
        questions = self._merge(spoken.questions, index)[:_MAX_QUESTIONS]
        understanding = Understanding(spoken.acts, spoken.language, (), spoken.talk)
        if not questions or any(act in HANDED_OVER for act in spoken.acts):
            act = _act_without_search(spoken, turns)
            if act is not None:
                return Draft(act, understanding)
            questions = ["\n".join(burst.texts)]
        found: list[_Found] = []
        for question in questions:
            pasts = self._pasts(burst, turns, found)
            found.append(self._find(question, spoken, burst, pasts, index))
        found = _use_each_once(found)
        choices = [choose(one.asked, one.context, one.matches) for one in found]
        understanding = replace(
            understanding,
            questions=tuple(
                SearchedQuestion(one.text, one.context.name) for one in found
            ),
        )
        return _draft(understanding, found, choices)

    def _merge(self, questions: Sequence[str], index: KnowledgeIndex) -> list[str]:
        """Put a question that names nothing behind the one that it goes on with.

        "Do you wrap gifts? How much is it?" and "A or B? Which is cheaper?" are one.
        """
        merged: list[str] = []
        for question in questions:
            if merged and goes_on(read_question(question, index.lexicon)):
                merged[-1] = f"{merged[-1]} {question}"
            else:
                merged.append(question)
        return merged

    def _nearest(self, text: str) -> Act | None:
        if self._examples is None:
            self._examples = ActExamples(self._embedder)
        return self._examples.nearest(self._embedder.embed_queries([text])[0])

    def _pasts(
        self, burst: Burst, turns: Sequence[Turn], found: Sequence[_Found]
    ) -> list[Sequence[Turn]]:
        """List the pasts that a question may lean on.

        Of two questions in one burst the second leans on the first, or on what both do.
        """
        target = find_referred(burst.referred, turns)
        past = (target,) if target is not None else turns
        if not found or not found[-1].matches:
            return [past]
        one = found[-1]
        fact = one.matches[0].fact
        said = Turn(one.text, "", one.text, fact.subject, str(fact.chunk.chunk_id))
        return [(*turns, said), past]

    def _find(
        self,
        question: str,
        spoken: Spoken,
        burst: Burst,
        pasts: Sequence[Sequence[Turn]],
        index: KnowledgeIndex,
    ) -> _Found:
        """Search every reading of a question; the one that finds most wins."""
        readings = []
        for asked in _readings(question, spoken, index):
            for turns in pasts:
                is_target = find_referred(burst.referred, turns) is not None
                referred = "" if is_target else burst.referred
                readings.append(self._search(asked, referred, turns, index))
        return max(readings, key=lambda one: one.matches[0].score if one.matches else 0)

    def _search(
        self, asked: Asked, referred: str, turns: Sequence[Turn], index: KnowledgeIndex
    ) -> _Found:
        asked, context, leant = _lean(asked, referred, turns, index)
        facts: dict[tuple[UUID, int], Fact] = {}
        chunks: dict[UUID, IndexedChunk] = {}
        cosines: list[dict[UUID, float]] = []
        for text in [asked.text] + ([f"{leant}\n{asked.text}"] if leant else []):
            forms = build_forms(to_search_text(text))
            hits = index.find(
                SearchRequest(
                    text=forms.spoken,
                    vector=self._embed(forms.dense_texts),
                    sources=tuple(SourceType),
                    term_weights=forms.sparse_weights,
                    dense_top_k=_CANDIDATES,
                    sparse_top_k=_CANDIDATES,
                    fused_top_k=_CANDIDATES,
                )
            )
            cosines.append({h.chunk.chunk_id: h.dense_score or 0.0 for h in hits.hits})
            chunks.update((hit.chunk.chunk_id, hit.chunk) for hit in hits.hits)
        for chunk in drop_superseded([*chunks.values()]):
            facts.update((fact.key, fact) for fact in read_facts(chunk))
        similarities = Similarities(cosines[0], cosines[-1])
        matches = score_facts(asked, context, facts.values(), similarities)
        return _Found(asked, context, asked.text, matches)

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return average(self._embedder.embed_queries(texts))


def _use_each_once(found: Sequence[_Found]) -> list[_Found]:
    """Let one statement answer one question, where another does nearly as well.

    A row of a table, a line that is named, or one that holds both values may answer
    two: what is said of another name is no answer.
    """
    once: list[_Found] = []
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


def _without(one: _Found, fact: Fact) -> _Found:
    rest = [match for match in one.matches if match.fact.key != fact.key]
    return replace(one, matches=rest)


def _loss(one: _Found, other: _Found) -> float:
    if not other.matches:
        return 1.0
    return 1 - other.matches[0].score / one.matches[0].score


def goes_on(asked: Asked) -> bool:
    """Tell a question that only asks for a price, or which of two is better."""
    has_names = any(
        term.is_known and term.is_noun and not term.is_attribute for term in asked.names
    )
    only_price = asked.kinds == {ValueKind.PRICE} or asked.is_bare
    return not has_names and (asked.is_comparing or only_price)


def _act_without_search(spoken: Spoken, turns: Sequence[Turn]) -> DraftAct | None:
    """Decide a burst that asks nothing; None if the turn before makes it a question."""
    acts = set(spoken.acts)
    if acts & set(HANDED_OVER):
        return DraftAct.HANDOVER
    if Act.UNREADABLE in acts:
        return DraftAct.ASK_BACK
    is_bare = acts <= {Act.YES, Act.NO}
    if is_bare and Act.YES in acts and Act.OK not in acts and not turns:
        return DraftAct.ASK_BACK
    return DraftAct.SMALL_TALK


def _readings(question: str, spoken: Spoken, index: KnowledgeIndex) -> Iterator[Asked]:
    if spoken.is_finglish:
        for text in transliterate(question, index.vocabulary):
            yield read_question(text, index.lexicon)
    elif spoken.language is Language.EN:
        yield read_english_question(question, index.lexicon, index.vocabulary)
    else:
        text = correct_text(question, index.vocabulary)
        yield read_question(text, index.lexicon)


def _lean(
    asked: Asked, referred: str, turns: Sequence[Turn], index: KnowledgeIndex
) -> tuple[Asked, Context, str]:
    """Find what a question leans on: a post it points at, or the turn before."""
    if referred:
        title, _, caption = referred.partition("\n")
        name = title.partition(": ")[2] or title
        first = read_question(name, index.lexicon)
        rest = read_question(caption.partition(": ")[2], index.lexicon)
        names = rest.names[:_MAX_CAPTION_TERMS]
        return asked, Context(first.names, names, is_referred=True, name=name), name
    last = next((turn for turn in reversed(turns) if turn.question), None)
    if last is None:
        return asked, NOTHING, ""
    before = read_question(last.question, index.lexicon)
    if asked.is_elliptic:
        asked = replace(
            asked,
            kinds=before.kinds,
            is_bare=before.is_bare,
            is_vague=before.is_vague,
        )
    subject = read_question(last.subject, index.lexicon).names
    names_none = not any(term.is_name and not term.is_attribute for term in asked.names)
    if names_none and SUBJECTS_JOINED in last.subject:
        # "And the small ones?" is about both that were compared.
        asked = replace(asked, is_comparing=True)
    known = {term.term.word for term in subject}
    rest_terms: tuple[AskedTerm, ...] = tuple(
        term
        for term in before.terms
        if term.term.word not in known and not term.is_kind
    )
    chunk = index.get(UUID(last.chunk_id)) if last.chunk_id else None
    context = Context(
        subject,
        rest_terms,
        chunk.document_id if chunk else None,
        chunk.parent_id if chunk else None,
        name=last.subject,
    )
    return asked, context, last.question


def _is_covered(one: _Found, answered: Sequence[tuple[_Found, Choice]]) -> bool:
    """Tell whether a question's best passage is quoted in answer to another."""
    if not one.matches:
        return False
    quoted = {fact.chunk.document_id for _, choice in answered for fact in choice.facts}
    return one.matches[0].fact.chunk.document_id in quoted


def _draft(
    understanding: Understanding, found: Sequence[_Found], choices: Sequence[Choice]
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
        subject=SUBJECTS_JOINED.join(
            dict.fromkeys(fact.subject for fact in choice.facts)
        ),
        matches=tuple(one.matches[:8]),
    )
