"""Searches a tenant's knowledge, in the way that its roll-out has reached."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from deployments.answers.embedders import TIMEOUT_S, Embedders, TimeoutEmbedder
from deployments.answers.indexes import MAX_TENANTS, TenantIndexes
from deployments.answers.rag_metrics import RAGMetrics, log_retrieval
from deployments.answers.variants import Variant
from persistence.database import Pool
from persistence.errors import DATABASE_AWAY
from persistence.ids import ConversationId, TenantId
from persistence.routing import fetch_routing
from retrieval.answer.retrieved import RetrievedContext
from retrieval.context_retriever import ContextRetriever
from retrieval.embedding.embedder import Embedder
from retrieval.embedding.models import reopen_embedder
from retrieval.errors import RerankerUnavailableError
from retrieval.index.hits import EVERYTHING, RetrievalFilter
from retrieval.index.knowledge import SourceType
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.production_rag import ProductionRAG, Rerank
from retrieval.ranking.options import RagOptions
from retrieval.ranking.reranking import Reranker, RerankResult
from retrieval.routing import QueryRouter

#: A model reads this in a second, and it holds some ten passages.
PRIMARY_BUDGET_TOKENS = 800
SECONDARY_BUDGET_TOKENS = 1200
PRIMARY_SOURCE = SourceType.FAQ
SECONDARY_SOURCES = (SourceType.MANUAL, SourceType.PRODUCTS, SourceType.WEBSITE)
#: The pool gives up before; this is for a loop that is stuck.
RERANK_TIMEOUT_S = 10.0

#: Names in `degraded` an index that may lack the last changes.
INDEX = "index"

_DEFAULT_ROUTER = QueryRouter()

ChooseVariant = Callable[[TenantId, ConversationId | None], Awaitable[Variant]]


async def always_plain(_: TenantId, __: ConversationId | None) -> Variant:
    """Choose the baseline, as where there are no flags."""
    return Variant.CONTEXT_RETRIEVER


@dataclass(frozen=True, slots=True)
class RetrieverDependencies:
    """What a retriever is given besides the database and the model."""

    choose_variant: ChooseVariant = always_plain
    options: Callable[[], RagOptions] = RagOptions
    reranker: Reranker | None = None
    open_embedder: Callable[[str], Embedder] = reopen_embedder
    embedding_timeout_s: float = TIMEOUT_S


@dataclass(frozen=True, slots=True)
class _Tenant:
    """What a search needs to know of who asks."""

    index: KnowledgeIndex
    router: QueryRouter = _DEFAULT_ROUTER


@dataclass(frozen=True, slots=True)
class _Searches:
    """The ways of searching with one embedder; the "user" holds the index."""

    plain: ContextRetriever[_Tenant]
    rag: ProductionRAG[_Tenant]


@dataclass(frozen=True, slots=True)
class _Question:
    """What is searched, and where."""

    tenant_id: TenantId
    index: KnowledgeIndex
    text: str
    share: str
    only: RetrievalFilter


class KnowledgeRetriever:
    """Holds the indexes of the tenants that asked last, and the ways to search them."""

    def __init__(
        self,
        pool: Pool,
        embedder: Embedder,
        dependencies: RetrieverDependencies | None = None,
        *,
        max_tenants: int = MAX_TENANTS,
    ) -> None:
        self._pool = pool
        self._dependencies = dependencies or RetrieverDependencies()
        self._embedder = embedder
        self._indexes = TenantIndexes(
            pool,
            Embedders(embedder, self._dependencies.open_embedder),
            max_tenants=max_tenants,
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._searches = {embedder.name: self._make_search(embedder)}
        self._routers: dict[TenantId, QueryRouter] = {}

    async def warm_up(self) -> None:
        """Load what a first question would otherwise wait for."""
        search = self._searches[self._embedder.name]
        await asyncio.to_thread(search.plain.warm_up)
        await asyncio.to_thread(search.rag.warm_up)

    async def retrieve(
        self,
        tenant_id: TenantId,
        query: str,
        *,
        share: str = "",
        conversation_id: ConversationId | None = None,
        only: RetrievalFilter = EVERYTHING,
    ) -> RetrievedContext:
        """Retrieve what an answer to the query would be written from.

        `share` is the caption of a post that the query may be about. A conversation
        keeps the way of searching that it began with. Nothing but what `only` leaves is
        searched.

        Raises:
            RetrievalError: neither arm of the search works.
            asyncpg.PostgresError, OSError: the database is away.
        """
        self._loop = asyncio.get_running_loop()
        variant = await self._dependencies.choose_variant(tenant_id, conversation_id)
        try:
            served = await self._indexes.fetch_index(tenant_id)
            searches = self._searches_with(served.embedder)
            asked = _Question(tenant_id, served.index, query, share, only)
            if variant is Variant.PRODUCTION_RAG:
                found, primary_source = await self._search_fully(searches.rag, asked)
            else:
                found = await _search_plainly(searches.plain, asked)
                primary_source = PRIMARY_SOURCE
        except Exception as error:
            # Of a database that is away, too: whoever asked got nothing.
            RAGMetrics.record_failure(variant, PRIMARY_SOURCE, error)
            raise
        if served.staleness is not None:
            found["performance"]["degraded"][INDEX] = served.staleness.value
        RAGMetrics.record_retrieval(found, primary_source)
        if self._dependencies.options().debug:
            log_retrieval(tenant_id, conversation_id, asked.text, found)
        return found

    def _searches_with(self, embedder: Embedder) -> _Searches:
        if embedder.name not in self._searches:
            self._searches[embedder.name] = self._make_search(embedder)
        return self._searches[embedder.name]

    def _make_search(self, embedder: Embedder) -> _Searches:
        patient = TimeoutEmbedder(embedder, self._dependencies.embedding_timeout_s)
        return _Searches(
            ContextRetriever(lambda tenant: tenant.index, patient, time.perf_counter),
            ProductionRAG(
                lambda tenant: tenant.index,
                patient,
                time.perf_counter,
                options=self._dependencies.options,
                rerank=self._make_rerank(self._dependencies.reranker),
                router_for=lambda tenant: tenant.router,
            ),
        )

    async def _search_fully(
        self, rag: ProductionRAG[_Tenant], asked: _Question
    ) -> tuple[RetrievedContext, SourceType]:
        tenant = _Tenant(asked.index, await self._fetch_router(asked.tenant_id))

        def search() -> RetrievedContext:
            return rag.retrieve_context(
                asked.text, tenant, share=asked.share, only=asked.only
            )

        found = await asyncio.to_thread(search)
        return found, SourceType(found["analysis"]["primary_source"])

    async def _fetch_router(self, tenant_id: TenantId) -> QueryRouter:
        """Fetch the tenant's own intents; the last known ones without a database."""
        try:
            intents = await fetch_routing(self._pool, tenant_id)
        except DATABASE_AWAY:
            return self._routers.get(tenant_id, _DEFAULT_ROUTER)
        if intents is None:
            self._routers.pop(tenant_id, None)
            return _DEFAULT_ROUTER
        router = self._routers[tenant_id] = QueryRouter(intents)
        return router

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
                return asked.result(RERANK_TIMEOUT_S)
            finally:
                asked.cancel()

        return rerank


async def _search_plainly(
    plain: ContextRetriever[_Tenant], asked: _Question
) -> RetrievedContext:
    """Search with and without the share; the likelier answer counts."""
    texts = (
        (asked.text, f"{asked.text}\n{asked.share}") if asked.share else (asked.text,)
    )
    found = []
    for text in texts:
        one = await asyncio.to_thread(
            plain.retrieve_context,
            text,
            _Tenant(asked.index),
            PRIMARY_SOURCE,
            SECONDARY_SOURCES,
            PRIMARY_BUDGET_TOKENS,
            SECONDARY_BUDGET_TOKENS,
            only=asked.only,
        )
        one["searched_text"] = text
        found.append(one)
    return max(found, key=lambda one: one["relevance"])
