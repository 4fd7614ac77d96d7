"""From a customer's words to an answer: understood, searched, chosen, composed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from threading import Lock
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from retrieval.answer.choosing import choose
from retrieval.answer.drafts import Draft, DraftAct, Found, use_each_once, write_draft
from retrieval.answer.facts import Fact, read_facts
from retrieval.answer.leaning import lean
from retrieval.answer.matching import (
    Similarities,
    score_facts,
)
from retrieval.answer.superseding import drop_superseded
from retrieval.dialogue.acts import HANDED_OVER, Act, Spoken, read_burst
from retrieval.dialogue.nearness import ActExamples
from retrieval.dialogue.turns import Burst, Turn, find_referred
from retrieval.dialogue.understanding import SearchedQuestion, Understanding
from retrieval.embedding.embedder import Embedder, check_vectors
from retrieval.errors import name_failure
from retrieval.index.knowledge import (
    EVERYTHING,
    IndexedChunk,
    RetrievalFilter,
    SearchRequest,
    SourceType,
)
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.production_rag import average
from retrieval.query.asking import (
    Asked,
    goes_on,
    read_english_question,
    read_question,
)
from retrieval.query.finglish import transliterate
from retrieval.query.forms import build_forms, to_search_text
from retrieval.query.spelling import correct_text
from retrieval.text.language import Language

_CANDIDATES = 60
#: More questions in one burst are a letter, which a person reads.
_MAX_QUESTIONS = 3


class Answerer:
    """Answers from a tenant's index without a model. Threads may share one."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._examples: ActExamples | None = None
        self._learning = Lock()

    def warm_up(self) -> None:
        """Embed the examples of acts, so that no question waits for them."""
        with self._learning:
            if self._examples is None:
                self._examples = ActExamples(self._embedder)

    def answer(
        self,
        burst: Burst,
        turns: Sequence[Turn],
        index: KnowledgeIndex,
        language: Language | None = None,
        *,
        only: RetrievalFilter = EVERYTHING,
    ) -> Draft:
        """Answer a burst, or say why a person must; `language` is the shop's.

        An embedder that fails leaves the search by words. Raises SearchFailedError if
        that fails too.
        """
        spoken = read_burst(burst.texts, language, self._nearest)
        questions = self._merge(spoken.questions, index)[:_MAX_QUESTIONS]
        understanding = Understanding(spoken.acts, spoken.language, (), spoken.talk)
        if not questions or any(act in HANDED_OVER for act in spoken.acts):
            act = _act_without_search(spoken, turns)
            if act is not None:
                return Draft(act, understanding)
            questions = ["\n".join(burst.texts)]
        found: list[Found] = []
        for question in questions:
            pasts = self._pasts(burst, turns, found)
            found.append(self._find(question, spoken, burst, pasts, index, only))
        found = use_each_once(found)
        choices = [choose(one.asked, one.context, one.matches) for one in found]
        understanding = replace(
            understanding,
            questions=tuple(
                SearchedQuestion(one.text, one.context.name) for one in found
            ),
        )
        failure = next((one.failure for one in found if one.failure), "")
        return replace(write_draft(understanding, found, choices), degraded=failure)

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
        try:
            self.warm_up()
            vector = self._embedder.embed_queries([text])[0]
        except Exception as error:  # noqa: BLE001  # any model's failure leaves words
            name_failure("embedder", error)
            return None
        return None if self._examples is None else self._examples.nearest(vector)

    def _pasts(
        self, burst: Burst, turns: Sequence[Turn], found: Sequence[Found]
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
        only: RetrievalFilter,
    ) -> Found:
        """Search every reading of a question; the one that finds most wins."""
        readings = []
        for asked in _readings(question, spoken, index):
            for turns in pasts:
                is_target = find_referred(burst.referred, turns) is not None
                referred = "" if is_target else burst.referred
                readings.append(self._search(asked, referred, turns, index, only))
        return max(readings, key=lambda one: one.matches[0].score if one.matches else 0)

    def _search(
        self,
        asked: Asked,
        referred: str,
        turns: Sequence[Turn],
        index: KnowledgeIndex,
        only: RetrievalFilter,
    ) -> Found:
        asked, context, leant = lean(asked, referred, turns, index)
        facts: dict[tuple[UUID, int], Fact] = {}
        chunks: dict[UUID, IndexedChunk] = {}
        cosines: list[dict[UUID, float]] = []
        failure = ""
        for text in [asked.text] + ([f"{leant}\n{asked.text}"] if leant else []):
            forms = build_forms(to_search_text(text))
            vector, failed = self._embed(forms.dense_texts)
            failure = failure or failed
            hits = index.find(
                SearchRequest(
                    text=forms.spoken,
                    vector=vector,
                    sources=only.narrow(tuple(SourceType)),
                    tags=only.tags,
                    documents=only.documents,
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
        return Found(asked, context, asked.text, matches, failure)

    def _embed(self, texts: Sequence[str]) -> tuple[NDArray[np.float32] | None, str]:
        """Embed texts as one vector; None and the failure's name if that fails."""
        try:
            vectors = self._embedder.embed_queries(texts)
            check_vectors(vectors, len(texts), self._embedder.dimensions)
        except Exception as error:  # noqa: BLE001  # any model's failure leaves words
            return None, name_failure("embedder", error)
        return average(vectors), ""


def _act_without_search(spoken: Spoken, turns: Sequence[Turn]) -> DraftAct | None:
    """Decide a burst that asks nothing; None if the turn before makes it a question."""
    acts = set(spoken.acts)
    if acts & set(HANDED_OVER):
        return DraftAct.HANDOVER
    if acts & {Act.UNREADABLE, Act.CORRECTION}:
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
