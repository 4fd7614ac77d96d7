"""The indexes of the tenants that asked last, as the database has them now."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

import structlog

from persistence.database import Pool
from persistence.ids import TenantId
from persistence.knowledge import (
    fetch_changed_documents,
    fetch_chunks,
    fetch_revision,
)
from retrieval.index import KnowledgeIndex

#: Tenants whose indexes stay in memory; a small shop's takes a few megabytes.
MAX_TENANTS = 64
#: Documents read at once: some thousand chunks, which take half a second to index.
DOCUMENTS_AT_ONCE = 200

log = structlog.get_logger("retriever")


@dataclass(slots=True)
class _TenantIndex:
    index: KnowledgeIndex
    revision: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class TenantIndexes:
    """Gives a tenant's index, caught up with the tenant's last change.

    Each call compares revisions: an edit is found, and a deleted document gone, from
    the next question on, whatever notifications were lost. The tenants that asked least
    recently leave memory; they come back from PostgreSQL, vectors and all.
    """

    def __init__(
        self,
        pool: Pool,
        dimensions: int,
        model: str,
        *,
        max_tenants: int = MAX_TENANTS,
    ) -> None:
        self._pool = pool
        self._dimensions = dimensions
        self._model = model
        self._max_tenants = max_tenants
        self._tenants: OrderedDict[TenantId, _TenantIndex] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tenants)

    async def fetch_index(self, tenant_id: TenantId) -> KnowledgeIndex:
        """Fetch what has changed since the last call, and return the index.

        Raises:
            asyncpg.PostgresError, OSError: the database is away.
        """
        held = self._tenants.get(tenant_id)
        if held is None:
            held = _TenantIndex(KnowledgeIndex(self._dimensions))
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
        n_chunks = 0
        # In batches: a large tenant's rows would fill the memory twice over. The number
        # moves at the end, as one change may touch documents of two batches.
        for start in range(0, len(changed), DOCUMENTS_AT_ONCE):
            batch = changed[start : start + DOCUMENTS_AT_ONCE]
            documents = [one.id for one in batch if not one.is_deleted]
            chunks = await fetch_chunks(self._pool, tenant_id, documents, self._model)
            gone = [one.id for one in batch]
            await asyncio.to_thread(held.index.apply, chunks, gone)
            n_chunks += len(chunks)
        # What was read may be newer than the number; then it is read once more.
        held.revision = max((one.revision for one in changed), default=revision)
        log.info(
            "index_changed",
            tenant_id=str(tenant_id),
            revision=held.revision,
            documents=len(changed),
            chunks=n_chunks,
        )
