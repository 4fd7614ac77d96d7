"""The whole retrieval: analyse, search both arms, rerank, fit to the budgets."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from retrieval.answer.citing import retrieved_chunk, source_used
from retrieval.answer.context import (
    drop_near_duplicates,
    fill_both_budgets,
    render_passages,
)
from retrieval.answer.retrieved import (
    Performance,
    QueryAnalysis,
    RetrievedChunk,
    RetrievedContext,
)
from retrieval.embedding.embedder import Embedder, check_vectors, passage_text
from retrieval.errors import RerankerUnavailableError
from retrieval.failures import name_failure
from retrieval.index.hits import (
    EVERYTHING,
    FUSED_TOP_K,
    STRANGE_DENSE_WEIGHT,
    Arm,
    Hit,
    Hits,
    RetrievalFilter,
    SearchRequest,
)
from retrieval.index.knowledge import SourceType
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.query.complexity import query_complexity
from retrieval.query.forms import QueryForms, build_forms
from retrieval.query.shorten import shorten_question, to_search_text
from retrieval.ranking.answerability import Judging
from retrieval.ranking.options import RagOptions
from retrieval.ranking.relevance import PRODUCTION, Evidence, OffTopic
from retrieval.ranking.reranking import RerankResult, count_worth_reading, order_by
from retrieval.routing import Intent, QueryRouter
from retrieval.text.language import detect_language
from retrieval.text.links import read_paths

User = TypeVar("User")

METHOD = "production_rag"
RERANKER = "reranker"
EMBEDDER = "embedder"

Rerank = Callable[[str, Sequence[str], str], RerankResult]
"""Scores passages for a query by a model of `rerank_model`, and waits for it.

Raises RerankerUnavailableError, or whatever else: the fused order serves then.
"""


@dataclass(frozen=True, slots=True)
class _Embedded:
    vectors: Sequence[NDArray[np.float32] | None]
    failure: str | None


@dataclass(frozen=True, slots=True)
class _Searched:
    """What one way to ask has found."""

    forms: QueryForms
    found: Hits
    relevance: float


@dataclass(frozen=True, slots=True)
class _Ranked:
    """Candidates in their last order, and how they came to it."""

    hits: Sequence[Hit]
    scores: Sequence[float] = ()
    model: str = ""
    skipped: str = ""
    failure: str | None = None

    def describe(self) -> list[RetrievedChunk]:
        """Write down all; what could not win was not read, and stands behind."""
        unread = [None] * (len(self.hits) - len(self.scores))
        scores = (*self.scores, *unread)
        scored = zip(self.hits, scores, strict=True)
        return [retrieved_chunk(hit, score) for hit, score in scored]


class ProductionRAG(Generic[User]):
    """Finds a tenant's context for a question, in stages that can each be seen.

    `timer` reads a monotonic clock in seconds. `options` and `router_for` are asked for
    each question anew. Threads may share one.
    """

    def __init__(
        self,
        index_for: Callable[[User], KnowledgeIndex],
        embedder: Embedder,
        timer: Callable[[], float],
        *,
        options: Callable[[], RagOptions] = RagOptions,
        rerank: Rerank | None = None,
        router_for: Callable[[User], QueryRouter] | None = None,
    ) -> None:
        self._index_for = index_for
        self._embedder = embedder
        self._timer = timer
        self._options = options
        self._rerank = rerank
        self._router_for = router_for or (lambda _: _DEFAULT_ROUTER)
        self._judging = Judging(embedder, PRODUCTION)

    def warm_up(self) -> None:
        """Embed what judging relevance needs, before it is needed.

        Raises EmbeddingError.
        """
        self._judging.warm_up()

    def retrieve_context(
        self,
        query: str,
        user: User,
        primary_source: SourceType | None = None,
        secondary_sources: Sequence[SourceType] | None = None,
        primary_budget: int | None = None,
        secondary_budget: int | None = None,
        *,
        share: str = "",
        only: RetrievalFilter = EVERYTHING,
    ) -> RetrievedContext:
        """Search the sources and fit what was found into two budgets of tokens.

        What is None is decided by the question's intent. `share` is the caption of a
        post that the question may be about: it is searched with the question, and what
        answers likelier than what the question alone finds is taken. Nothing but what
        `only` leaves is searched. An arm or a cross-encoder that fails leaves the rest,
        and `performance` says so. Raises SearchFailedError.
        """
        ticks = [self._timer()]
        options = self._options()
        linked = read_paths(query)
        query = to_search_text(query)
        intent = _override(
            self._router_for(user).route(query),
            primary_source,
            secondary_sources,
            primary_budget,
            secondary_budget,
        )
        forms = _ways_to_ask(query, (share, linked))
        complexity = query_complexity(query)
        ticks.append(self._timer())
        embedded = self._embed(forms)
        ticks.append(self._timer())
        index = self._index_for(user)
        best = self._search(forms, embedded, index, intent, only, options)
        ticks.append(self._timer())
        ranked = self._order(best.forms.spoken, best.found.hits, options)
        ticks.append(self._timer())
        chunks = (hit.chunk for hit in ranked.hits)
        primary, secondary = fill_both_budgets(
            drop_near_duplicates(chunks, options.rerank_top_k),
            intent.primary_source,
            (intent.primary_budget, intent.secondary_budget),
            self._embedder.count_tokens,
        )
        ticks.append(self._timer())
        return RetrievedContext(
            primary_context=render_passages(primary),
            secondary_context=render_passages(secondary),
            sources_used=[source_used(p) for p in (*primary, *secondary)],
            total_chunks=len(primary) + len(secondary),
            retrieval_method=METHOD,
            performance=_performance(ticks, complexity, embedded, best.found, ranked),
            chunks=ranked.describe(),
            relevance=best.relevance,
            searched_text=best.forms.spoken,
            analysis=_describe(query, complexity, intent, best.forms),
        )

    def gather_evidence(
        self, query: str, user: User
    ) -> tuple[Evidence, OffTopic | None] | None:
        """Gather what the relevance of an answer is judged by, to calibrate it."""
        forms = [build_forms(query)]
        embedded = self._embed(forms)
        index = self._index_for(user)
        intent = _override(self._router_for(user).route(query), None, None, None, None)
        (vector,) = embedded.vectors
        found = index.find(
            _request(forms[0], vector, intent, EVERYTHING, self._options())
        )
        return self._judging.gather(
            (query, forms[0].written), vector, index, found.hits
        )

    def _embed(self, forms: Sequence[QueryForms]) -> _Embedded:
        """Embed all forms at once; each question's vector is the mean of its own."""
        try:
            # The judge first: its subjects are embedded by the same model.
            self._judging.warm_up()
            texts = [text for form in forms for text in form.for_meaning]
            embedded = self._embedder.embed_queries(texts)
            check_vectors(embedded, len(texts), self._embedder.dimensions)
        except Exception as error:  # noqa: BLE001  # any model's failure leaves words
            return _Embedded([None] * len(forms), name_failure(EMBEDDER, error))
        vectors: list[NDArray[np.float32] | None] = []
        start = 0
        for form in forms:
            mean = embedded[start : start + len(form.for_meaning)].mean(axis=0)
            vectors.append((mean / np.linalg.norm(mean)).astype(np.float32))
            start += len(form.for_meaning)
        return _Embedded(vectors, None)

    def _search(
        self,
        forms: Sequence[QueryForms],
        embedded: _Embedded,
        index: KnowledgeIndex,
        intent: Intent,
        only: RetrievalFilter,
        options: RagOptions,
    ) -> _Searched:
        """Search for each form; the one whose best hit is likeliest to answer wins."""
        searched = []
        for form, vector in zip(forms, embedded.vectors, strict=True):
            found = index.find(_request(form, vector, intent, only, options))
            spellings = (form.spoken, form.written)
            relevance = self._judging.judge(spellings, vector, index, found.hits)
            searched.append(_Searched(form, found, relevance))
        return max(searched, key=lambda one: one.relevance)

    def _order(
        self, question: str, hits: Sequence[Hit], options: RagOptions
    ) -> _Ranked:
        if self._rerank is None or not options.cross_encoder_reranking:
            return _Ranked(hits, skipped="off")
        read = hits[: count_worth_reading(hits)]
        if not read:
            return _Ranked(hits, skipped="settled")
        texts = [passage_text(hit.chunk.title, hit.chunk.text) for hit in read]
        try:
            result = self._rerank(question, texts, options.rerank_model)
            _check_scores(result.scores)
            order = order_by(result.scores, len(read))
            scores = [result.scores[place] for place in order]
        except RerankerUnavailableError as error:
            # Whoever refused has told of it, and does so for days without a model.
            return _Ranked(hits, skipped="failed", failure=type(error).__name__)
        except Exception as error:  # noqa: BLE001  # the fused order is there already
            failure = name_failure(RERANKER, error)
            return _Ranked(hits, skipped="failed", failure=failure)
        reranked = [read[place] for place in order]
        return _Ranked([*reranked, *hits[len(read) :]], scores, result.model)


_DEFAULT_ROUTER = QueryRouter()


def _ways_to_ask(question: str, subjects: Sequence[str]) -> list[QueryForms]:
    """Write the question for the search, alone and with what it may be about.

    "How much is it?" finds nothing without the post or the link that came with it, and
    a question about delivery is only disturbed by one: so each is tried.
    """
    told = [shorten_question(subject.strip()) for subject in subjects]
    texts = [question, *(f"{question}\n{subject}" for subject in told if subject)]
    return [build_forms(text) for text in texts]


def _check_scores(scores: Sequence[float]) -> None:
    """See that scores make an order: a model that runs over gives no numbers."""
    if not all(map(math.isfinite, scores)):
        message = "not all scores are numbers"
        raise ValueError(message)


def _override(
    intent: Intent,
    primary_source: SourceType | None,
    secondary_sources: Sequence[SourceType] | None,
    primary_budget: int | None,
    secondary_budget: int | None,
) -> Intent:
    """Take what the caller has decided, and the intent's own for the rest."""
    primary = primary_source or intent.primary_source
    if secondary_sources is None:
        secondary = (intent.primary_source, *intent.secondary_sources)
    else:
        secondary = tuple(secondary_sources)
    return Intent(
        intent.name,
        intent.keywords,
        primary,
        tuple(source for source in dict.fromkeys(secondary) if source != primary),
        intent.primary_budget if primary_budget is None else primary_budget,
        intent.secondary_budget if secondary_budget is None else secondary_budget,
    )


def _request(
    forms: QueryForms,
    vector: NDArray[np.float32] | None,
    intent: Intent,
    only: RetrievalFilter,
    options: RagOptions,
) -> SearchRequest:
    return SearchRequest(
        text=forms.spoken,
        vector=vector,
        sources=only.narrow((intent.primary_source, *intent.secondary_sources)),
        word_pieces=forms.for_words,
        tags=only.tags,
        documents=only.documents,
        dense_top_k=options.dense_top_k,
        sparse_top_k=options.sparse_top_k,
        fused_top_k=max(FUSED_TOP_K, options.rerank_top_k),
        dense_weight=options.dense_weight,
        strange_dense_weight=STRANGE_DENSE_WEIGHT,
        centring=options.centring,
        order=options.fusion,
        by_parent=True,
    )


def _performance(
    ticks: Sequence[float],
    complexity: float,
    embedded: _Embedded,
    found: Hits,
    ranked: _Ranked,
) -> Performance:
    degraded = {str(arm): error for arm, error in found.degraded.items()}
    if embedded.failure is not None:
        degraded[Arm.DENSE.value] = embedded.failure
    if ranked.failure is not None:
        degraded[RERANKER] = ranked.failure
    analysis, embedding, search, reranking, context = (
        1000 * (after - before) for before, after in pairwise(ticks)
    )
    performance = Performance(
        latency_ms=1000 * (ticks[-1] - ticks[0]),
        analysis_ms=analysis,
        embedding_ms=embedding,
        search_ms=search,
        context_ms=context,
        reranking_used=bool(ranked.model),
        rerank_skipped=ranked.skipped,
        query_complexity=complexity,
        dense_candidates=found.n_dense,
        sparse_candidates=found.n_sparse,
        fused_candidates=len(found.hits),
        reranked_candidates=len(ranked.scores),
        degraded=degraded,
    )
    if ranked.model:
        performance["rerank_model"] = ranked.model
        performance["reranking_ms"] = reranking
    return performance


def _describe(
    query: str, complexity: float, intent: Intent, forms: QueryForms
) -> QueryAnalysis:
    return QueryAnalysis(
        language=detect_language(query).value,
        complexity=complexity,
        intent=intent.name,
        written_form=forms.written,
        synonyms=[*forms.synonyms],
        primary_source=intent.primary_source.value,
        secondary_sources=[source.value for source in intent.secondary_sources],
        primary_budget=intent.primary_budget,
        secondary_budget=intent.secondary_budget,
    )
