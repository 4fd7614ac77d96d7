"""From a customer's words to an answer: understood, searched, chosen, composed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from retrieval.answer.composing import compose
from retrieval.answer.facts import Fact, read_facts
from retrieval.answer.matching import Inherited, Match, score_facts
from retrieval.embedding.embedder import Embedder
from retrieval.index.knowledge import SearchRequest, SourceType
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.production_rag import average
from retrieval.query.asking import Asked, AskedTerm, read_question
from retrieval.query.forms import QueryForms, build_forms, to_search_text

_CANDIDATES = 60


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier exchange: what was said, what was answered, and what it was about."""

    said: str
    answered: str
    subject: str = ""
    question: str = ""


@dataclass(frozen=True, slots=True)
class Burst:
    """The messages that want an answer, and words that they refer to."""

    texts: tuple[str, ...]
    referred: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer as the rules write it."""

    act: str
    text: str
    facts: tuple[Fact, ...] = ()
    subject: str = ""
    question: str = ""
    matches: tuple[Match, ...] = field(default=(), repr=False)


class Answerer:
    """Answers from a tenant's index without a language model."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def answer(
        self, burst: Burst, turns: Sequence[Turn], index: KnowledgeIndex
    ) -> Draft:
        question = "\n".join(burst.texts)
        asked = read_question(question, index.lexicon)
        asked, inherited, leant = self._lean(asked, burst, turns, index)
        matches = self._search(question, leant, asked, inherited, index)
        if not matches or not is_sure(asked, matches[0]):
            return Draft("handover", "", matches=tuple(matches[:8]), question=question)
        best = matches[0]
        return Draft(
            "answer",
            compose(asked, inherited, matches),
            (best.fact,),
            best.fact.subject,
            question,
            tuple(matches[:8]),
        )

    def _lean(
        self,
        asked: Asked,
        burst: Burst,
        turns: Sequence[Turn],
        index: KnowledgeIndex,
    ) -> tuple[Asked, list[Inherited], str]:
        own = sum(term.weight for term in asked.terms if not term.is_kind)
        has_own = any(term.is_known and not term.is_kind for term in asked.terms)
        most = 0.6 * own if has_own else 10.0
        if burst.referred:
            title, _, caption = burst.referred.partition("\n")
            first = read_question(title.partition(": ")[2] or title, index.lexicon).names
            rest = read_question(caption.partition(": ")[2], index.lexicon).names[:6]
            groups = [Inherited(first, 0.9, most), Inherited(rest, 0.1, 0.3)]
            return asked, groups, title
        last = turns[-1] if turns else None
        if last is None or not (last.subject or last.question):
            return asked, [], ""
        subject = read_question(last.subject, index.lexicon).names
        before = read_question(last.question, index.lexicon)
        if is_elliptic(asked):
            asked = replace(
                asked,
                kinds=before.kinds,
                is_bare=before.is_bare,
            )
        known = {term.term.word for term in subject}
        rest = tuple(
            term
            for term in before.terms
            if term.term.word not in known and not term.is_kind
        )
        return (
            asked,
            [
                Inherited(subject, 0.8, most),
                Inherited(rest, 0.4, 0.5 * most),
            ],
            f"{last.question}",
        )

    def _search(
        self,
        question: str,
        leant: str,
        asked: Asked,
        inherited: Sequence[Inherited],
        index: KnowledgeIndex,
    ) -> list[Match]:
        texts = [question] + ([f"{leant}\n{question}"] if leant else [])
        facts: dict[tuple[UUID, int], Fact] = {}
        similarities: dict[UUID, float] = {}
        for text in texts:
            forms = build_forms(to_search_text(text))
            vector = average(self._embedder.embed_queries(forms.dense_texts))
            hits = index.find(
                SearchRequest(
                    text=forms.spoken,
                    vector=vector,
                    sources=tuple(SourceType),
                    term_weights=forms.sparse_weights,
                    dense_top_k=_CANDIDATES,
                    sparse_top_k=_CANDIDATES,
                    fused_top_k=_CANDIDATES,
                )
            )
            for hit in hits.hits:
                cosine = hit.dense_score or 0.0
                key = hit.chunk.chunk_id
                similarities[key] = max(similarities.get(key, 0.0), cosine)
                for fact in read_facts(hit.chunk):
                    facts[fact.key] = fact
        return score_facts(asked, inherited, facts.values(), similarities)


def is_elliptic(asked: Asked) -> bool:
    """Tell a question that says only what is different: "and in black?"."""
    return (
        not asked.kinds
        and not asked.is_bare
        and len(asked.terms) <= 3
        and not any(
            root.startswith("-") for term in asked.terms for root in term.term.roots
        )
    )


def is_sure(asked: Asked, best: Match) -> bool:
    return best.score > 0.35
