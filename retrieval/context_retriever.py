"""The baseline retrieval: one hybrid search, cut to what a prompt has room for."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from retrieval.answer import context
from retrieval.answer.context import Performance, RetrievedContext
from retrieval.embedding.embedder import Embedder, check_vectors
from retrieval.errors import name_failure
from retrieval.index import knowledge
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.query.forms import to_search_text
from retrieval.ranking.answerability import AnswerabilityJudge
from retrieval.routing import query_complexity

User = TypeVar("User")

CONTEXT_TOP_K = 8
"""The number of chunks in the contexts: a right chunk is nearly always among the first
eight, and later ones distract more than they help."""


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
        primary_source: knowledge.SourceType,
        secondary_sources: Sequence[knowledge.SourceType],
        primary_budget: int,
        secondary_budget: int,
        *,
        only: knowledge.RetrievalFilter = knowledge.EVERYTHING,
    ) -> RetrievedContext:
        """Search the sources and fit what was found into two budgets of tokens.

        Sources are numbered through both contexts; only what `only` leaves is searched.
        A failing embedder leaves keyword search, and `performance` names it. A question
        without words finds nothing. Raises SearchFailedError.
        """
        ticks = [self._timer()]
        query = to_search_text(query)
        vector, failure = self._embed(query)
        ticks.append(self._timer())
        index = self._index_for(user)
        request = knowledge.SearchRequest(
            query,
            vector,
            only.narrow((primary_source, *secondary_sources)),
            tags=only.tags,
            documents=only.documents,
        )
        found = index.find(request)
        judged = self._judge.judge([query], vector, index, found.hits)
        ticks.append(self._timer())
        contexts = context.build_contexts(
            found.hits,
            self._top_k,
            primary_source,
            (primary_budget, secondary_budget),
            self._embedder.count_tokens,
        )
        ticks.append(self._timer())
        return RetrievedContext(
            primary_context=contexts["primary_context"],
            secondary_context=contexts["secondary_context"],
            sources_used=contexts["sources_used"],
            total_chunks=contexts["total_chunks"],
            retrieval_method="context_retriever",
            performance=_performance(ticks, query, failure, found),
            chunks=[context.retrieved_chunk(hit) for hit in found.hits],
            relevance=judged,
        )

    def _embed(self, query: str) -> tuple[NDArray[np.float32] | None, str | None]:
        try:
            # The judge first: its subjects are embedded by the same model.
            self._judge.warm_up()
            vectors = self._embedder.embed_queries([query])
            check_vectors(vectors, 1, self._embedder.dimensions)
            return vectors[0], None
        except Exception as error:  # noqa: BLE001  # any model's failure leaves the words
            return None, name_failure("embedder", error)


def _performance(
    ticks: Sequence[float], query: str, failure: str | None, found: knowledge.Hits
) -> Performance:
    degraded = {str(name): error for name, error in found.degraded.items()}
    if failure is not None:
        degraded[knowledge.RetrieverName.DENSE.value] = failure
    embedding_ms, search_ms, context_ms = (
        1000 * (after - before) for before, after in pairwise(ticks)
    )
    return Performance(
        latency_ms=1000 * (ticks[-1] - ticks[0]),
        embedding_ms=embedding_ms,
        search_ms=search_ms,
        context_ms=context_ms,
        reranking_used=False,
        query_complexity=query_complexity(query),
        dense_candidates=found.n_dense,
        sparse_candidates=found.n_sparse,
        fused_candidates=len(found.hits),
        degraded=degraded,
    )
