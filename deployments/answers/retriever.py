"""Searches a tenant's knowledge by the variant that its roll-out has reached."""

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
from retrieval.production_rag import ProductionRAG, RagOptions, Rerank
from retrieval.ranking.reranking import Reranker, RerankResult
from retrieval.routing import QueryRouter

#: A model reads this in a second, and it holds some ten passages.
PRIMARY_BUDGET_TOKENS = 800
SECONDARY_BUDGET_TOKENS = 1200
PRIMARY_SOURCE = SourceType.FAQ
SECONDARY_SOURCES = (SourceType.MANUAL, SourceType.PRODUCTS, SourceType.WEBSITE)
#: The client gives up earlier; this limit is for an event loop that is stuck.
RERANK_TIMEOUT_S = 10.0

#: The key in `degraded` of an index that may lack the last changes.
INDEX = "index"

_DEFAULT_ROUTER = QueryRouter()

ChooseVariant = Callable[[TenantId, ConversationId | None], Awaitable[Variant]]


async def always_plain(_: TenantId, __: ConversationId | None) -> Variant:
    """Choose the baseline: the default where there are no flags."""
    return Variant.CONTEXT_RETRIEVER


@dataclass(frozen=True, slots=True)
class RetrieverDependencies:
    """The dependencies of a retriever besides the database and the model."""

    choose_variant: ChooseVariant = always_plain
    options: Callable[[], RagOptions] = RagOptions
    reranker: Reranker | None = None
    open_embedder: Callable[[str], Embedder] = reopen_embedder
    embedding_timeout_s: float = TIMEOUT_S


@dataclass(frozen=True, slots=True)
class _Tenant:
    """The tenant that a search serves: its index and its intents."""

    index: KnowledgeIndex
    router: QueryRouter = _DEFAULT_ROUTER


@dataclass(frozen=True, slots=True)
class _Searches:
    """Both variants of the search with one embedder; the "user" holds the index."""

    plain: ContextRetriever[_Tenant]
    rag: ProductionRAG[_Tenant]


@dataclass(frozen=True, slots=True)
class _Question:
    """A query, and the index in which it is searched."""

    tenant_id: TenantId
    index: KnowledgeIndex
    text: str
    share: str
    only: RetrievalFilter


class KnowledgeRetriever:
    """Searches a tenant's index by either variant; keeps recent tenants' indexes."""

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
        """Load the model, so that the first query need not wait for it."""
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
        """Retrieve the context for an answer to the query; see `Retriever`.

        A conversation keeps the variant of the search that it began with.

        Raises:
            RetrievalError: neither meaning nor words can be searched.
            asyncpg.PostgresError, OSError: the database is away.
        """
        self._loop = asyncio.get_running_loop()
        variant = await self._dependencies.choose_variant(tenant_id, conversation_id)
        try:
            served = await self._indexes.fetch_index(tenant_id)
            searches = self._searches_with(served.embedder)
            question = _Question(tenant_id, served.index, query, share, only)
            if variant is Variant.PRODUCTION_RAG:
                context, primary_source = await self._search_fully(
                    searches.rag, question
                )
            else:
                context = await _search_plainly(searches.plain, question)
                primary_source = PRIMARY_SOURCE
        except Exception as error:
            # Also counted when the database is away: the caller got nothing.
            RAGMetrics.record_failure(variant, PRIMARY_SOURCE, error)
            raise
        if served.staleness is not None:
            context["performance"]["degraded"][INDEX] = served.staleness.value
        RAGMetrics.record_retrieval(context, primary_source)
        if self._dependencies.options().debug:
            log_retrieval(tenant_id, conversation_id, question.text, context)
        return context

    def _searches_with(self, embedder: Embedder) -> _Searches:
        if embedder.name not in self._searches:
            self._searches[embedder.name] = self._make_search(embedder)
        return self._searches[embedder.name]

    def _make_search(self, embedder: Embedder) -> _Searches:
        timed = TimeoutEmbedder(embedder, self._dependencies.embedding_timeout_s)
        return _Searches(
            ContextRetriever(lambda tenant: tenant.index, timed, time.perf_counter),
            ProductionRAG(
                lambda tenant: tenant.index,
                timed,
                time.perf_counter,
                options=self._dependencies.options,
                rerank=self._make_rerank(self._dependencies.reranker),
                router_for=lambda tenant: tenant.router,
            ),
        )

    async def _search_fully(
        self, rag: ProductionRAG[_Tenant], question: _Question
    ) -> tuple[RetrievedContext, SourceType]:
        tenant = _Tenant(question.index, await self._fetch_router(question.tenant_id))

        def search() -> RetrievedContext:
            return rag.retrieve_context(
                question.text, tenant, share=question.share, only=question.only
            )

        context = await asyncio.to_thread(search)
        return context, SourceType(context["analysis"]["primary_source"])

    async def _fetch_router(self, tenant_id: TenantId) -> QueryRouter:
        """Fetch the tenant's intents, or the last known ones without a database."""
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
        """Let the thread of a search call the reranker on the event loop."""
        if reranker is None:
            return None

        def rerank(query: str, passages: Sequence[str], model: str) -> RerankResult:
            if self._loop is None:
                raise RerankerUnavailableError
            scores = asyncio.run_coroutine_threadsafe(
                reranker.rerank(query, passages, model=model), self._loop
            )
            try:
                return scores.result(RERANK_TIMEOUT_S)
            finally:
                scores.cancel()

        return rerank


async def _search_plainly(
    plain: ContextRetriever[_Tenant], question: _Question
) -> RetrievedContext:
    """Search with and without the share, and keep the more relevant result."""
    texts = (
        (question.text, f"{question.text}\n{question.share}")
        if question.share
        else (question.text,)
    )
    contexts = []
    for text in texts:
        context = await asyncio.to_thread(
            plain.retrieve_context,
            text,
            _Tenant(question.index),
            PRIMARY_SOURCE,
            SECONDARY_SOURCES,
            PRIMARY_BUDGET_TOKENS,
            SECONDARY_BUDGET_TOKENS,
            only=question.only,
        )
        context["searched_text"] = text
        contexts.append(context)
    return max(contexts, key=lambda context: context["relevance"])
