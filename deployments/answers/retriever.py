"""Searches a tenant's knowledge, in the way that its roll-out has reached."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from deployments.answers.indexes import MAX_TENANTS, TenantIndexes
from deployments.answers.rag_metrics import RAGMetrics
from deployments.answers.variants import Variant
from persistence.database import Pool
from persistence.ids import ConversationId, TenantId
from persistence.routing import fetch_routing
from retrieval.context_retriever import ContextRetriever
from retrieval.embedding import Embedder
from retrieval.errors import RerankerUnavailableError, RetrievalError
from retrieval.index import KnowledgeIndex
from retrieval.knowledge import SourceType
from retrieval.options import RagOptions
from retrieval.production_rag import ProductionRAG, Rerank
from retrieval.reranking import Reranker, RerankResult
from retrieval.retrieved import RetrievedContext
from retrieval.routing import QueryRouter

#: A model reads this in a second, and it holds some ten passages.
PRIMARY_BUDGET_TOKENS = 800
SECONDARY_BUDGET_TOKENS = 1200
PRIMARY_SOURCE = SourceType.FAQ
SECONDARY_SOURCES = (SourceType.MANUAL, SourceType.PRODUCTS, SourceType.WEBSITE)
#: The pool gives up before; this is for a loop that is stuck.
RERANK_PATIENCE_S = 10.0

_DEFAULT_ROUTER = QueryRouter()

ChooseVariant = Callable[[TenantId, ConversationId | None], Awaitable[Variant]]


async def always_plain(_: TenantId, __: ConversationId | None) -> Variant:
    """Choose the baseline, as where there are no flags."""
    return Variant.CONTEXT_RETRIEVER


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a retriever is given besides the database and the model."""

    choose_variant: ChooseVariant = always_plain
    options: Callable[[], RagOptions] = RagOptions
    reranker: Reranker | None = None


@dataclass(frozen=True, slots=True)
class _Tenant:
    """What a search needs to know of who asks."""

    index: KnowledgeIndex
    router: QueryRouter = _DEFAULT_ROUTER


class KnowledgeRetriever:
    """Holds the indexes of the tenants that asked last, and the ways to search them."""

    def __init__(
        self,
        pool: Pool,
        embedder: Embedder,
        wiring: Wiring | None = None,
        *,
        max_tenants: int = MAX_TENANTS,
    ) -> None:
        self._pool = pool
        self._wiring = wiring or Wiring()
        self._indexes = TenantIndexes(
            pool, embedder.dimensions, embedder.name, max_tenants=max_tenants
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        # Who asks for which index was decided before: the "user" holds it.
        self._plain: ContextRetriever[_Tenant] = ContextRetriever(
            lambda tenant: tenant.index, embedder, time.perf_counter
        )
        self._rag: ProductionRAG[_Tenant] = ProductionRAG(
            lambda tenant: tenant.index,
            embedder,
            time.perf_counter,
            options=self._wiring.options,
            rerank=self._make_rerank(self._wiring.reranker),
            router_for=lambda tenant: tenant.router,
        )

    async def warm_up(self) -> None:
        """Load what a first question would otherwise wait for."""
        await asyncio.to_thread(self._plain.warm_up)
        await asyncio.to_thread(self._rag.warm_up)

    async def retrieve(
        self,
        tenant_id: TenantId,
        query: str,
        *,
        share: str = "",
        conversation_id: ConversationId | None = None,
    ) -> RetrievedContext:
        """Retrieve what an answer to the query would be written from.

        `share` is the caption of a post that the query may be about. A conversation
        keeps the way of searching that it began with.

        Raises:
            RetrievalError: neither arm of the search works.
            asyncpg.PostgresError, OSError: the database is away.
        """
        self._loop = asyncio.get_running_loop()
        variant = await self._wiring.choose_variant(tenant_id, conversation_id)
        search = {
            Variant.CONTEXT_RETRIEVER: self._search_plainly,
            Variant.PRODUCTION_RAG: self._search_fully,
        }[variant]
        index = await self._indexes.fetch_index(tenant_id)
        try:
            found, primary_source = await search(tenant_id, index, query, share)
        except RetrievalError as error:
            RAGMetrics.record_failure(variant, PRIMARY_SOURCE, error)
            raise
        RAGMetrics.record_retrieval(found, primary_source)
        return found

    async def _search_plainly(
        self, _: TenantId, index: KnowledgeIndex, query: str, share: str
    ) -> tuple[RetrievedContext, SourceType]:
        """Search with and without the share; the likelier answer counts."""
        texts = (query, f"{query}\n{share}") if share else (query,)
        found = []
        for text in texts:
            one = await asyncio.to_thread(
                self._plain.retrieve_context,
                text,
                _Tenant(index),
                PRIMARY_SOURCE,
                SECONDARY_SOURCES,
                PRIMARY_BUDGET_TOKENS,
                SECONDARY_BUDGET_TOKENS,
            )
            one["searched_text"] = text
            found.append(one)
        return max(found, key=lambda one: one["relevance"]), PRIMARY_SOURCE

    async def _search_fully(
        self, tenant_id: TenantId, index: KnowledgeIndex, query: str, share: str
    ) -> tuple[RetrievedContext, SourceType]:
        intents = await fetch_routing(self._pool, tenant_id)
        router = _DEFAULT_ROUTER if intents is None else QueryRouter(intents)

        def search() -> RetrievedContext:
            return self._rag.retrieve_context(
                query, _Tenant(index, router), share=share
            )

        found = await asyncio.to_thread(search)
        return found, SourceType(found["analysis"]["primary_source"])

    def _make_rerank(self, reranker: Reranker | None) -> Rerank | None:
        """Let the searching thread wait for the event loop, where the pool is asked."""
        if reranker is None:
            return None

        def rerank(query: str, passages: Sequence[str], model: str) -> RerankResult:
            if self._loop is None:
                raise RerankerUnavailableError
            asked = asyncio.run_coroutine_threadsafe(
                reranker.rerank(query, passages, model=model), self._loop
            )
            try:
                return asked.result(RERANK_PATIENCE_S)
            finally:
                asked.cancel()

        return rerank
