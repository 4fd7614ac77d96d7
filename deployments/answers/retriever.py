"""Searches a tenant's knowledge by the variant that its roll-out has reached."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from config.flags import FlagName, FlagValue
from deployments.answers.answer_draft import AnswerDraft, condense
from deployments.answers.embedders import TIMEOUT_S, Embedders, TimeoutEmbedder
from deployments.answers.indexing.indexes import MAX_TENANTS, TenantIndexes
from deployments.answers.rag_metrics import RAGMetrics, log_retrieval
from deployments.flags import FeatureFlags
from persistence.database import Db, Pool
from persistence.errors import DATABASE_AWAY
from persistence.ids import ConversationId, TenantId
from persistence.routing import fetch_routing
from persistence.variants import keep_variant
from retrieval.answer.context import RetrievedContext
from retrieval.answering import Answerer
from retrieval.context_retriever import ContextRetriever
from retrieval.dialogue.turns import Burst, Turn
from retrieval.embedding.embedder import Embedder, reopen_embedder
from retrieval.errors import RerankerUnavailableError
from retrieval.index.knowledge import (
    DENSE_WEIGHT,
    EVERYTHING,
    FusionOrder,
    RetrievalFilter,
    SourceType,
)
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.production_rag import ProductionRAG, RagOptions, Rerank
from retrieval.ranking.reranking import Reranker, RerankResult
from retrieval.routing import QueryRouter
from retrieval.text.language import Language

#: A model reads this in a second, and it holds some ten passages.
PRIMARY_BUDGET_TOKENS = 800
SECONDARY_BUDGET_TOKENS = 1200
PRIMARY_SOURCE = SourceType.FAQ
SECONDARY_SOURCES = (SourceType.MANUAL, SourceType.PRODUCTS, SourceType.WEBSITE)
#: The client gives up earlier; this limit is for an event loop that is stuck.
RERANK_TIMEOUT_S = 10.0

#: The key in `degraded` of an index that may lack the last changes.
INDEX = "index"
#: The method of an answer that is composed from facts, without a model.
FACTS = "facts"

#: A question in each writing: each has word lists of its own.
_WARMING = ("هزینه ارسال چقدره؟", "hazine ersal chande", "How much is delivery?")
_DEFAULT_ROUTER = QueryRouter()


class Variant(StrEnum):
    """The variants of retrieval; the values are those of `retrieval_method`."""

    CONTEXT_RETRIEVER = "context_retriever"
    PRODUCTION_RAG = "production_rag"


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


class _Searches(NamedTuple):
    """What searches with one embedder: for a model by two variants, and by facts.

    The "user" holds the index.
    """

    plain: ContextRetriever[_Tenant]
    rag: ProductionRAG[_Tenant]
    facts: Answerer


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

    def forget_tenant(self, payload: str) -> None:
        """Drop what is held of a deleted tenant: give this to a Listener."""
        # An empty payload only says that notifications may have been missed.
        if payload:
            tenant_id = TenantId(UUID(payload))
            self._indexes.forget(tenant_id)
            self._routers.pop(tenant_id, None)

    async def warm_up(self) -> None:
        """Load the model and word lists, so that the first query need not wait."""
        searches = self._searches[self._embedder.name]
        for search in (searches.plain, searches.rag):
            await asyncio.to_thread(search.warm_up)
        # This embeds the examples of acts, too; without a model it leaves them out.
        nothing = KnowledgeIndex(self._embedder.dimensions)
        for text in _WARMING:
            burst = Burst((text,))
            await asyncio.to_thread(searches.facts.answer, burst, (), nothing)

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
            if variant is Variant.PRODUCTION_RAG:
                tenant = _Tenant(served.index, await self._fetch_router(tenant_id))
                context = await asyncio.to_thread(
                    searches.rag.retrieve_context, query, tenant, share=share, only=only
                )
                primary_source = SourceType(context["analysis"]["primary_source"])
            else:
                context = await _search_plainly(
                    searches.plain, _Tenant(served.index), query, share, only
                )
                primary_source = PRIMARY_SOURCE
        except Exception as error:
            # Also counted when the database is away: the caller got nothing.
            RAGMetrics.record_failure(variant, PRIMARY_SOURCE, error)
            raise
        if served.staleness is not None:
            context["performance"]["degraded"][INDEX] = served.staleness.value
        RAGMetrics.record_retrieval(context, primary_source)
        if self._dependencies.options().debug:
            log_retrieval(tenant_id, conversation_id, query, context)
        return context

    async def answer(
        self,
        tenant_id: TenantId,
        burst: Burst,
        turns: Sequence[Turn],
        language: Language,
        *,
        only: RetrievalFilter = EVERYTHING,
    ) -> AnswerDraft:
        """Understand a burst, search and compose in one thread; see `Retriever`.

        Raises:
            RetrievalError: neither meaning nor words can be searched.
            asyncpg.PostgresError, OSError: the database is away.
        """
        started = time.perf_counter()
        try:
            served = await self._indexes.fetch_index(tenant_id)
            composed = await asyncio.to_thread(
                self._searches_with(served.embedder).facts.answer,
                burst,
                turns,
                served.index,
                language,
                only=only,
            )
        except Exception as error:
            RAGMetrics.record_failure(FACTS, PRIMARY_SOURCE, error)
            raise
        draft = condense(composed, 1000 * (time.perf_counter() - started))
        if served.staleness is not None:
            stale = {**draft.degraded, INDEX: served.staleness.value}
            draft = replace(draft, degraded=stale)
        if draft.question:
            RAGMetrics.record_answer(FACTS, draft)
        return draft

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
            Answerer(timed),
        )

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
    plain: ContextRetriever[_Tenant],
    tenant: _Tenant,
    query: str,
    share: str,
    only: RetrievalFilter,
) -> RetrievedContext:
    """Search with and without the share, and keep the more relevant result."""
    contexts = []
    for text in (query, f"{query}\n{share}") if share else (query,):
        context = await asyncio.to_thread(
            plain.retrieve_context,
            text,
            tenant,
            PRIMARY_SOURCE,
            SECONDARY_SOURCES,
            PRIMARY_BUDGET_TOKENS,
            SECONDARY_BUDGET_TOKENS,
            only=only,
        )
        context["searched_text"] = text
        contexts.append(context)
    return max(contexts, key=lambda context: context["relevance"])


def choose_variant(
    switch: FlagValue | None, kept: Variant | None, *, is_rolled_out: bool
) -> Variant:
    """Choose by the switch if it is set, else the kept variant, else the percentage.

    A moved percentage changes no conversation that has begun; the kill switch does.
    """
    if switch is None and kept is not None:
        return kept
    is_on = is_rolled_out if switch is None else bool(switch)
    return Variant.PRODUCTION_RAG if is_on else Variant.CONTEXT_RETRIEVER


async def decide_variant(
    db: Db,
    flags: FeatureFlags,
    tenant_id: TenantId,
    conversation_id: ConversationId | None = None,
) -> Variant:
    """Decide the variant of a question, and keep it for its conversation.

    Only a variant that came from the percentage is kept: a switch that was on for an
    hour must not stay on for ever in every conversation of that hour.
    """
    switch = flags.get_explicit(FlagName.PRODUCTION_RAG)
    is_rolled_out = flags.is_enabled(FlagName.PRODUCTION_RAG, tenant_id)
    chosen = choose_variant(switch, None, is_rolled_out=is_rolled_out)
    if switch is not None or conversation_id is None:
        return chosen
    try:
        kept = await keep_variant(db, tenant_id, conversation_id, chosen)
    except DATABASE_AWAY:
        # The search goes on from memory; the percentage hardly moves meanwhile.
        return chosen
    return choose_variant(
        None, None if kept is None else Variant(kept), is_rolled_out=is_rolled_out
    )


def read_options(flags: FeatureFlags, dense_weight: float = DENSE_WEIGHT) -> RagOptions:
    """Read the options of one retrieval from the flags. Raises FlagsUnreadError."""
    return RagOptions(
        dense_top_k=int(flags.get_value(FlagName.DENSE_TOP_K)),
        sparse_top_k=int(flags.get_value(FlagName.SPARSE_TOP_K)),
        rerank_top_k=int(flags.get_value(FlagName.RERANK_TOP_K)),
        cross_encoder_reranking=flags.is_enabled(FlagName.CROSS_ENCODER_RERANKING),
        rerank_model=str(flags.get_value(FlagName.RERANK_MODEL)),
        debug=flags.is_enabled(FlagName.PRODUCTION_RAG_DEBUG),
        dense_weight=dense_weight,
        fusion=FusionOrder(str(flags.get_value(FlagName.FUSION))),
    )
