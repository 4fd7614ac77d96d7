"""From a customer's words to an answer: understood, searched, chosen, composed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from retrieval.answer.composing import compose
from retrieval.answer.facts import Fact, read_facts
from retrieval.answer.matching import NOTHING, Context, Match, Similarities, score_facts
from retrieval.embedding.embedder import Embedder
from retrieval.index.knowledge import SearchRequest, SourceType
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.production_rag import average
from retrieval.query.asking import Asked, AskedTerm, read_question
from retrieval.query.forms import build_forms, to_search_text
from retrieval.query.spelling import correct_text

_CANDIDATES = 60


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier exchange: what was said, what was answered, and what it was about."""

    said: str
    answered: str
    subject: str = ""
    question: str = ""
    fact: Fact | None = None


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
        question = correct_text("\n".join(burst.texts), index.vocabulary)
        asked, context, matches = self.search(question, burst, turns, index)
        if not matches or not is_sure(asked, matches[0]):
            return Draft("handover", "", matches=tuple(matches[:8]), question=question)
        best = matches[0]
        return Draft(
            "answer",
            compose(asked, context, matches),
            (best.fact,),
            best.fact.subject,
            question,
            tuple(matches[:8]),
        )

    def search(self, question, burst, turns, index):
        asked = read_question(question, index.lexicon)
        asked, context, leant = self._lean(asked, burst, turns, index)
        return asked, context, self._search(question, leant, asked, context, index)

    def _lean(
        self,
        asked: Asked,
        burst: Burst,
        turns: Sequence[Turn],
        index: KnowledgeIndex,
    ) -> tuple[Asked, Context, str]:
        if burst.referred:
            title, _, caption = burst.referred.partition("\n")
            first = read_question(title.partition(": ")[2] or title, index.lexicon)
            rest = read_question(caption.partition(": ")[2], index.lexicon)
            return asked, Context(first.names, rest.names[:6], is_referred=True), title
        last = turns[-1] if turns else None
        if last is None or not (last.subject or last.question):
            return asked, NOTHING, ""
        subject = read_question(last.subject, index.lexicon).names
        before = read_question(last.question, index.lexicon)
        if asked.is_elliptic:
            asked = replace(asked, kinds=before.kinds, is_bare=before.is_bare)
        known = {term.term.word for term in subject}
        rest = tuple(
            term
            for term in before.terms
            if term.term.word not in known and not term.is_kind
        )
        fact = last.fact
        context = Context(
            subject,
            rest,
            fact.chunk.document_id if fact else None,
            fact.chunk.parent_id if fact else None,
        )
        return asked, context, last.question

    def _search(
        self,
        question: str,
        leant: str,
        asked: Asked,
        context: Context,
        index: KnowledgeIndex,
    ) -> list[Match]:
        facts: dict[tuple[UUID, int], Fact] = {}
        found: list[dict[UUID, float]] = []
        for text in [question] + ([f"{leant}\n{question}"] if leant else []):
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
            found.append({h.chunk.chunk_id: h.dense_score or 0.0 for h in hits.hits})
            for hit in hits.hits:
                for fact in read_facts(hit.chunk):
                    facts[fact.key] = fact
        similarities = Similarities(found[0], found[-1])
        return score_facts(asked, context, facts.values(), similarities)


def is_sure(asked: Asked, best: Match) -> bool:
    return best.score > 1.2
