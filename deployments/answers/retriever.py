"""Searches tenants' knowledge, with an index per tenant that follows its revisions."""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field

import structlog

from deployments.answers.rag_metrics import RAGMetrics
from deployments.answers.variants import Variant
from persistence.database import Pool
from persistence.ids import TenantId
from persistence.knowledge import (
    fetch_changed_documents,
    fetch_chunks,
    fetch_revision,
)
from retrieval.context_retriever import ContextRetriever
from retrieval.embedding import Embedder
from retrieval.errors import RetrievalError
from retrieval.index import KnowledgeIndex
from retrieval.knowledge import SourceType
from retrieval.retrieved import RetrievedContext

#: Tenants whose indexes stay in memory; a small shop's takes a few megabytes.
MAX_TENANTS = 64
#: A model reads this in a second, and it holds some ten passages.
PRIMARY_BUDGET_TOKENS = 800
SECONDARY_BUDGET_TOKENS = 1200
PRIMARY_SOURCE = SourceType.FAQ
SECONDARY_SOURCES = (SourceType.MANUAL, SourceType.PRODUCTS, SourceType.WEBSITE)

log = structlog.get_logger("retriever")


@dataclass(slots=True)
class _TenantIndex:
    index: KnowledgeIndex
    revision: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class KnowledgeRetriever:
    """Holds the indexes of the tenants that asked last.

    Each search first compares revisions: an edit is found, and a deleted document gone,
    from the next question on, whatever notifications were lost.
    """

    def __init__(
        self, pool: Pool, embedder: Embedder, *, max_tenants: int = MAX_TENANTS
    ) -> None:
        self._pool = pool
        self._embedder = embedder
        self._max_tenants = max_tenants
        self._tenants: OrderedDict[TenantId, _TenantIndex] = OrderedDict()
        # The index itself is the "user": who asks for which was decided before.
        self._retriever: ContextRetriever[KnowledgeIndex] = ContextRetriever(
            lambda index: index, embedder, time.perf_counter
        )

    async def warm_up(self) -> None:
        """Load what a first question would otherwise wait for."""
        await asyncio.to_thread(self._retriever.warm_up)

    async def retrieve(self, tenant_id: TenantId, query: str) -> RetrievedContext:
        """Retrieve what an answer to the query would be written from.

        Raises:
            RetrievalError: neither arm of the search works.
            asyncpg.PostgresError, OSError: the database is away.
        """
        index = await self._fetch_index(tenant_id)
        try:
            found = await asyncio.to_thread(
                self._retriever.retrieve_context,
                query,
                index,
                PRIMARY_SOURCE,
                SECONDARY_SOURCES,
                PRIMARY_BUDGET_TOKENS,
                SECONDARY_BUDGET_TOKENS,
            )
        except RetrievalError as error:
            RAGMetrics.record_failure(Variant.CONTEXT_RETRIEVER, PRIMARY_SOURCE, error)
            raise
        RAGMetrics.record_retrieval(found, PRIMARY_SOURCE)
        return found

    async def _fetch_index(self, tenant_id: TenantId) -> KnowledgeIndex:
        held = self._tenants.get(tenant_id)
        if held is None:
            held = _TenantIndex(KnowledgeIndex(self._embedder.dimensions))
            self._tenants[tenant_id] = held
        self._tenants.move_to_end(tenant_id)
        while len(self._tenants) > self._max_tenants:
            self._tenants.popitem(last=False)
        async with held.lock:
            await self._catch_up(tenant_id, held)
        return held.index

    async def _catch_up(self, tenant_id: TenantId, held: _TenantIndex) -> None:
        revision = await fetch_revision(self._pool, tenant_id)
        if revision == held.revision:
            return
        changed = await fetch_changed_documents(self._pool, tenant_id, held.revision)
        documents = [one.id for one in changed if not one.is_deleted]
        chunks = await fetch_chunks(
            self._pool, tenant_id, documents, self._embedder.name
        )
        gone = [one.id for one in changed]
        await asyncio.to_thread(held.index.apply, chunks, gone)
        # What was read may be newer than the number; then it is read once more.
        held.revision = max((one.revision for one in changed), default=revision)
        log.info(
            "index_changed",
            tenant_id=str(tenant_id),
            revision=held.revision,
            documents=len(changed),
            chunks=len(chunks),
        )
