"""The baseline retrieval: one hybrid search, cut to what a prompt has room for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from retrieval.answer import context, retrieved
from retrieval.answer.retrieved import Performance, RetrievedContext
from retrieval.embedding.embedder import Embedder, check_vectors
from retrieval.errors import name_failure
from retrieval.index import hits as search
from retrieval.index.hits import Hits, RetrievalFilter
from retrieval.index.knowledge import SourceType
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.query.shorten import to_search_text
from retrieval.ranking.answerability import AnswerabilityJudge
from retrieval.routing import query_complexity

User = TypeVar("User")

CONTEXT_TOP_K = 8
"""The number of chunks in the contexts: a right chunk is nearly always among the first
eight, and later ones distract more than they help."""


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
        self._top_k = context_top_k
        self._judge = AnswerabilityJudge(embedder)

    def warm_up(self) -> None:
        """Embed the subjects that relevance is judged by, about two seconds.

        The first question pays for it otherwise. Raises EmbeddingError.
        """
        self._judge.warm_up()

    def retrieve_context(
        self,
        query: str,
        user: User,
        primary_source: SourceType,
        secondary_sources: Sequence[SourceType],
        primary_budget: int,
        secondary_budget: int,
        *,
        only: RetrievalFilter = search.EVERYTHING,
    ) -> RetrievedContext:
        """Search the sources and fit what was found into two budgets of tokens.

        Sources are numbered through both contexts; only what `only` leaves is searched.
        A failing embedder leaves keyword search, and `performance` names it. A question
        without words finds nothing. Raises SearchFailedError.
        """
        started = self._timer()
        query = to_search_text(query)
        question = self._embed(query)
        embedded = self._timer()
        index = self._index_for(user)
        request = search.SearchRequest(
            query,
            question.vector,
            only.narrow((primary_source, *secondary_sources)),
            tags=only.tags,
            documents=only.documents,
        )
        found = index.find(request)
        judged = self._judge.judge([query], question.vector, index, found.hits)
        searched = self._timer()
        primary, secondary = context.fill_both_budgets(
            context.drop_near_duplicates(
                (hit.chunk for hit in found.hits), self._top_k
            ),
            primary_source,
            (primary_budget, secondary_budget),
            self._embedder.count_tokens,
        )
        ended = self._timer()
        return RetrievedContext(
            primary_context=context.render_passages(primary),
            secondary_context=context.render_passages(secondary),
            sources_used=[retrieved.source_used(p) for p in (*primary, *secondary)],
            total_chunks=len(primary) + len(secondary),
            retrieval_method="context_retriever",
            performance=_performance(
                (started, embedded, searched, ended), question, found
            ),
            chunks=[retrieved.retrieved_chunk(hit) for hit in found.hits],
            relevance=judged,
        )

    def _embed(self, query: str) -> _Question:
        try:
            # The judge first: its subjects are embedded by the same model.
            self._judge.warm_up()
            vectors = self._embedder.embed_queries([query])
            check_vectors(vectors, 1, self._embedder.dimensions)
            return _Question(query, vectors[0], None)
        except Exception as error:  # noqa: BLE001  # any model's failure leaves the words
            return _Question(query, None, name_failure("embedder", error))


def _performance(
    ticks: Sequence[float], question: _Question, found: Hits
) -> Performance:
    degraded = {str(name): error for name, error in found.degraded.items()}
    if question.failure is not None:
        degraded[search.RetrieverName.DENSE.value] = question.failure
    embedding_ms, search_ms, context_ms = (
        1000 * (after - before) for before, after in pairwise(ticks)
    )
    return Performance(
        latency_ms=1000 * (ticks[-1] - ticks[0]),
        embedding_ms=embedding_ms,
        search_ms=search_ms,
        context_ms=context_ms,
        reranking_used=False,
        query_complexity=query_complexity(question.text),
        dense_candidates=found.n_dense,
        sparse_candidates=found.n_sparse,
        fused_candidates=len(found.hits),
        degraded=degraded,
    )
