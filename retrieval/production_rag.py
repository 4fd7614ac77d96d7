"""Production retrieval: analyse, search both indexes, rerank, fit to the budgets."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from retrieval.answer import context, retrieved
from retrieval.answer.retrieved import Performance, RetrievedChunk, RetrievedContext
from retrieval.embedding.embedder import Embedder, check_vectors, passage_text
from retrieval.errors import RerankerUnavailableError, name_failure
from retrieval.index import hits as search
from retrieval.index.hits import Hit, Hits, RetrievalFilter, SearchRequest
from retrieval.index.knowledge import SourceType
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.query.forms import QueryForms, build_forms
from retrieval.query.shorten import shorten_question, to_search_text
from retrieval.ranking.answerability import PRODUCTION, AnswerabilityJudge
from retrieval.ranking.reranking import RerankResult, count_worth_reading, order_by
from retrieval.routing import Intent, QueryRouter, query_complexity
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
class RagOptions:
    """The options of one retrieval; the defaults are the documented ones."""

    dense_top_k: int = 20
    sparse_top_k: int = 15
    rerank_top_k: int = 8
    cross_encoder_reranking: bool = True
    rerank_model: str = "base"
    debug: bool = False
    #: Of the sum that orders both retrievers' candidates; BM25 has the rest.
    dense_weight: float = search.DENSE_WEIGHT
    #: The share of the knowledge's mean vector that is taken from the question's.
    centring: float = 0.15
    fusion: search.FusionOrder = search.FusionOrder.WEIGHTED


@dataclass(frozen=True, slots=True)
class _Embedded:
    vectors: Sequence[NDArray[np.float32] | None]
    failure: str | None


@dataclass(frozen=True, slots=True)
class _Searched:
    """The result of searching one form of the question."""

    forms: QueryForms
    hits: Hits
    relevance: float


@dataclass(frozen=True, slots=True)
class _Ranked:
    """Candidates in their final order, and how reranking came to it."""

    hits: Sequence[Hit]
    scores: Sequence[float] = ()
    model: str = ""
    skipped: str = ""
    failure: str | None = None

    def describe(self) -> list[RetrievedChunk]:
        """Describe all candidates; those that were not read stand last."""
        unread = [None] * (len(self.hits) - len(self.scores))
        scores = (*self.scores, *unread)
        scored = zip(self.hits, scores, strict=True)
        return [retrieved.retrieved_chunk(hit, score) for hit, score in scored]


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
        self._judge = AnswerabilityJudge(embedder, PRODUCTION)

    def warm_up(self) -> None:
        """Embed the subjects that relevance is judged by, before the first question.

        Raises EmbeddingError.
        """
        self._judge.warm_up()

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
        only: RetrievalFilter = search.EVERYTHING,
    ) -> RetrievedContext:
        """Search the sources and fit what was found into two budgets of tokens.

        The question's intent decides what is None. `share` is the caption of a post
        that the question may be about: both together are searched as well, and the
        likelier answer is taken. Only what `only` leaves is searched. A retriever or a
        cross-encoder that fails leaves the rest, and `performance` names it. A question
        without words finds nothing. Raises SearchFailedError.
        """
        ticks = [self._timer()]
        options = self._options()
        linked = read_paths(query)
        query = to_search_text(query)
        routed = self._router_for(user).route(query)
        budgets = (primary_budget, secondary_budget)
        intent = _override(routed, primary_source, secondary_sources, *budgets)
        forms = _build_all_forms(query, (share, linked))
        complexity = query_complexity(query)
        ticks.append(self._timer())
        embedded = self._embed(forms)
        ticks.append(self._timer())
        index = self._index_for(user)
        best = self._search(forms, embedded, index, intent, only, options)
        ticks.append(self._timer())
        ranked = self._order(best.forms.spoken, best.hits.hits, options)
        ticks.append(self._timer())
        chunks = (hit.chunk for hit in ranked.hits)
        primary, secondary = context.fill_both_budgets(
            context.drop_near_duplicates(chunks, options.rerank_top_k),
            intent.primary_source,
            (intent.primary_budget, intent.secondary_budget),
            self._embedder.count_tokens,
        )
        ticks.append(self._timer())
        return RetrievedContext(
            primary_context=context.render_passages(primary),
            secondary_context=context.render_passages(secondary),
            sources_used=[retrieved.source_used(p) for p in (*primary, *secondary)],
            total_chunks=len(primary) + len(secondary),
            retrieval_method=METHOD,
            performance=_performance(ticks, complexity, embedded, best.hits, ranked),
            chunks=ranked.describe(),
            relevance=best.relevance,
            searched_text=best.forms.spoken,
            analysis=_describe(query, complexity, intent, best.forms),
        )

    def _embed(self, forms: Sequence[QueryForms]) -> _Embedded:
        """Embed all forms at once; each form's vector is the mean of its texts'."""
        try:
            # The judge first: its subjects are embedded by the same model.
            self._judge.warm_up()
            texts = [text for form in forms for text in form.for_meaning]
            embedded = self._embedder.embed_queries(texts)
            check_vectors(embedded, len(texts), self._embedder.dimensions)
        except Exception as error:  # noqa: BLE001  # any model's failure leaves words
            return _Embedded([None] * len(forms), name_failure(EMBEDDER, error))
        vectors: list[NDArray[np.float32] | None] = []
        start = 0
        for form in forms:
            end = start + len(form.for_meaning)
            vectors.append(average(embedded[start:end]))
            start = end
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
        """Search for each form; the form whose best hit is likeliest to answer wins."""
        searched = []
        for form, vector in zip(forms, embedded.vectors, strict=True):
            hits = index.find(build_request(form, vector, intent, only, options))
            spellings = (form.spoken, form.written)
            relevance = self._judge.judge(spellings, vector, index, hits.hits)
            searched.append(_Searched(form, hits, relevance))
        return max(searched, key=lambda form: form.relevance)

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
            # The refusal is logged where it happens, and lasts while there is no model.
            return _Ranked(hits, skipped="failed", failure=type(error).__name__)
        except Exception as error:  # noqa: BLE001  # the fused order is there already
            failure = name_failure(RERANKER, error)
            return _Ranked(hits, skipped="failed", failure=failure)
        reranked = [read[place] for place in order]
        return _Ranked([*reranked, *hits[len(read) :]], scores, result.model)


_DEFAULT_ROUTER = QueryRouter()


def average(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average vectors of shape (n, dimensions) into one of length 1."""
    mean = vectors.mean(axis=0)
    averaged: NDArray[np.float32] = (mean / np.linalg.norm(mean)).astype(np.float32)
    return averaged


def _build_all_forms(question: str, subjects: Sequence[str]) -> list[QueryForms]:
    """Write the question for the search, alone and with each subject it may have.

    "How much is it?" finds nothing without the post or the link that came with it, and
    a question about delivery is only disturbed by one: so each is tried.
    """
    shortened = [shorten_question(subject.strip()) for subject in subjects]
    texts = [question, *(f"{question}\n{subject}" for subject in shortened if subject)]
    return [build_forms(text) for text in texts]


def _check_scores(scores: Sequence[float]) -> None:
    """Raise ValueError unless scores are finite: a model that overflows gives NaN."""
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
    """Take the caller's choices, and the intent's own for the rest."""
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


def build_request(
    forms: QueryForms,
    vector: NDArray[np.float32] | None,
    intent: Intent,
    only: RetrievalFilter,
    options: RagOptions,
) -> SearchRequest:
    """Build the request that searches the index for one form of the question."""
    return SearchRequest(
        text=forms.spoken,
        vector=vector,
        sources=only.narrow((intent.primary_source, *intent.secondary_sources)),
        term_weights=forms.for_words,
        tags=only.tags,
        documents=only.documents,
        dense_top_k=options.dense_top_k,
        sparse_top_k=options.sparse_top_k,
        fused_top_k=max(search.FUSED_TOP_K, options.rerank_top_k),
        dense_weight=options.dense_weight,
        oov_dense_weight=search.OOV_DENSE_WEIGHT,
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
    degraded = {str(name): error for name, error in found.degraded.items()}
    if embedded.failure is not None:
        degraded[search.RetrieverName.DENSE.value] = embedded.failure
    if ranked.failure is not None:
        degraded[RERANKER] = ranked.failure
    analysis_ms, embedding_ms, search_ms, reranking_ms, context_ms = (
        1000 * (after - before) for before, after in pairwise(ticks)
    )
    performance = Performance(
        latency_ms=1000 * (ticks[-1] - ticks[0]),
        analysis_ms=analysis_ms,
        embedding_ms=embedding_ms,
        search_ms=search_ms,
        context_ms=context_ms,
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
        performance["reranking_ms"] = reranking_ms
    return performance


def _describe(
    query: str, complexity: float, intent: Intent, forms: QueryForms
) -> retrieved.QueryAnalysis:
    return retrieved.QueryAnalysis(
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
