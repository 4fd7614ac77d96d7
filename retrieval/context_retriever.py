"""The plain baseline: one hybrid search, and what of it a prompt has room for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from retrieval.complexity import query_complexity
from retrieval.context import (
    Passage,
    drop_near_duplicates,
    fill_budget,
    render_passages,
)
from retrieval.embedding import Embedder
from retrieval.fillers import content_words
from retrieval.index import Arm, Hit, Hits, KnowledgeIndex
from retrieval.knowledge import SourceType
from retrieval.language import detect_language
from retrieval.relevance import Evidence, RelevanceJudge, relevance
from retrieval.retrieved import (
    Performance,
    RetrievedChunk,
    RetrievedContext,
    SourceUsed,
)

User = TypeVar("User")

CONTEXT_TOP_K = 8
"""How many chunks may speak in the contexts: a right one is nearly always among the
first eight, and what comes after distracts more than it helps."""


@dataclass(frozen=True, slots=True)
class _Question:
    text: str
    vector: NDArray[np.float32] | None
    failure: str | None


class ContextRetriever(Generic[User]):
    """Finds a tenant's context for a question by meaning and by words.

    `timer` reads a monotonic clock in seconds. Threads may share one retriever.
    """

    def __init__(
        self,
        index_for: Callable[[User], KnowledgeIndex],
        embedder: Embedder,
        timer: Callable[[], float],
        *,
        context_top_k: int = CONTEXT_TOP_K,
    ) -> None:
        self._index_for = index_for
        self._embedder = embedder
        self._timer = timer
        self._context_top_k = context_top_k
        self._judge: RelevanceJudge | None = None

    def warm_up(self) -> None:
        """Embed what judging relevance needs, about two seconds, before it is needed.

        The first question pays for it otherwise. Raises EmbeddingError.
        """
        self._relevance_judge()

    def retrieve_context(
        self,
        query: str,
        user: User,
        primary_source: SourceType,
        secondary_sources: Sequence[SourceType],
        primary_budget: int,
        secondary_budget: int,
    ) -> RetrievedContext:
        """Search the sources and fit what was found into two budgets of tokens.

        Sources are numbered through both contexts. A failing embedder leaves keyword
        search, and says so in `performance`. Raises SearchFailedError.
        """
        started = self._timer()
        question = self._embed(query)
        embedded = self._timer()
        index = self._index_for(user)
        found = index.search(
            query, question.vector, {primary_source, *secondary_sources}
        )
        judged = self._judge_best(question, index, found)
        searched = self._timer()
        distinct = drop_near_duplicates(hit.chunk for hit in found.hits)
        chunks = distinct[: self._context_top_k]
        primary = fill_budget(
            (chunk for chunk in chunks if chunk.source == primary_source),
            primary_budget,
            self._embedder.count_tokens,
        )
        secondary = fill_budget(
            (chunk for chunk in chunks if chunk.source != primary_source),
            secondary_budget,
            self._embedder.count_tokens,
            first_number=len(primary) + 1,
        )
        ended = self._timer()
        degraded = {str(arm): error for arm, error in found.degraded.items()}
        if question.failure is not None:
            degraded[Arm.DENSE.value] = question.failure
        return RetrievedContext(
            primary_context=render_passages(primary),
            secondary_context=render_passages(secondary),
            sources_used=[_source_used(p) for p in (*primary, *secondary)],
            total_chunks=len(primary) + len(secondary),
            retrieval_method="context_retriever",
            performance=Performance(
                latency_ms=1000 * (ended - started),
                embedding_ms=1000 * (embedded - started),
                search_ms=1000 * (searched - embedded),
                context_ms=1000 * (ended - searched),
                reranking_used=False,
                query_complexity=query_complexity(query),
                dense_candidates=found.n_dense,
                sparse_candidates=found.n_sparse,
                fused_candidates=len(found.hits),
                degraded=degraded,
            ),
            chunks=[_retrieved_chunk(hit) for hit in found.hits],
            relevance=judged,
        )

    def _embed(self, query: str) -> _Question:
        try:
            # The judge first: its subjects are embedded by the same model.
            self._relevance_judge()
            return _Question(query, self._embedder.embed_queries([query])[0], None)
        except Exception as error:  # noqa: BLE001  # any model's failure leaves the words
            return _Question(query, None, type(error).__name__)

    def _relevance_judge(self) -> RelevanceJudge:
        if self._judge is None:
            self._judge = RelevanceJudge(self._embedder)
        return self._judge

    def _judge_best(
        self, question: _Question, index: KnowledgeIndex, found: Hits
    ) -> float:
        if not found.hits:
            return 0.0
        best = found.hits[0].chunk
        cosines = [hit.dense_score for hit in found.hits if hit.dense_score is not None]
        language = detect_language(question.text)
        return relevance(
            Evidence(
                similarity=max(cosines, default=None),
                coverage=index.coverage(content_words(question.text), best.chunk_id),
                same_language=language == detect_language(f"{best.title} {best.text}"),
            ),
            None
            if question.vector is None
            else self._relevance_judge().compare(question.vector),
        )


def _source_used(passage: Passage) -> SourceUsed:
    chunk = passage.chunk
    return SourceUsed(
        number=passage.number,
        chunk_id=str(chunk.chunk_id),
        document_id=str(chunk.document_id),
        source=chunk.source.value,
        title=chunk.title,
        url=chunk.url,
    )


def _retrieved_chunk(hit: Hit) -> RetrievedChunk:
    chunk = hit.chunk
    return RetrievedChunk(
        chunk_id=str(chunk.chunk_id),
        document_id=str(chunk.document_id),
        source=chunk.source.value,
        title=chunk.title,
        url=chunk.url,
        text=chunk.text,
        parent_text=chunk.parent_text,
        score=hit.score,
        rrf_score=hit.rrf_score,
        dense_rank=hit.dense_rank,
        dense_similarity=hit.dense_score,
        sparse_rank=hit.sparse_rank,
        sparse_score=hit.sparse_score,
    )
