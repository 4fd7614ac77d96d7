"""Keeps the indexes of the tenants that asked last, at the database's revision."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import structlog

from actors.tasks import SingleFlight
from deployments.answers.embedders import Embedders
from persistence import knowledge
from persistence.database import Pool
from persistence.errors import DATABASE_AWAY
from persistence.ids import TenantId
from retrieval.embedding.embedder import Embedder
from retrieval.errors import KnowledgeTooLargeError
from retrieval.index.knowledge import IndexedChunk
from retrieval.index.knowledge_index import KnowledgeIndex

#: Tenants whose indexes stay in memory: a small shop's takes half a megabyte.
MAX_TENANTS = 512
#: Chunks of all of them together, some 20 KB each: a few large shops must not fill the
#: machine. A shop with more than this by itself is refused, and no other.
MAX_CHUNKS = 100_000
#: Documents read at once: some thousand chunks, which take half a second to index.
DOCUMENTS_PER_BATCH = 200
#: An edit is there long before; a question does not wait for a large import's end.
CATCH_UP_TIMEOUT_S = 0.5

log = structlog.get_logger("retriever")


class Staleness(StrEnum):
    """Why an index may lack the last changes."""

    DATABASE_AWAY = "database_away"
    CATCHING_UP = "catching_up"


@dataclass(frozen=True, slots=True)
class ServedIndex:
    """An index, and the embedder whose vectors it holds."""

    index: KnowledgeIndex
    embedder: Embedder
    staleness: Staleness | None = None


class _TenantIndex:
    """One tenant's index on its way from one revision to the next."""

    def __init__(
        self, embedder: Embedder, former: "_TenantIndex | None" = None
    ) -> None:
        self.embedder = embedder
        self.index = KnowledgeIndex(embedder.dimensions)
        #: The index of the previous model, until this one is whole.
        self.former = former
        self.revision = 0
        #: Has been caught up once, so its contents can serve.
        self.is_whole = False

    def __len__(self) -> int:
        """Count the chunks in memory."""
        return len(self.index) + (0 if self.former is None else len(self.former))


class TenantIndexes:
    """Returns a tenant's index, caught up with the tenant's last change.

    Each call compares revisions: an edit is found, and a deleted document gone, from
    the next question on, whatever notifications were lost. The tenants that asked least
    recently leave memory; they come back from PostgreSQL, vectors and all.
    """

    def __init__(
        self,
        pool: Pool,
        embedders: Embedders,
        *,
        max_tenants: int = MAX_TENANTS,
        max_chunks: int = MAX_CHUNKS,
        timeout_s: float = CATCH_UP_TIMEOUT_S,
    ) -> None:
        self._pool = pool
        self._embedders = embedders
        self._max_tenants = max_tenants
        self._max_chunks = max_chunks
        self._timeout_s = timeout_s
        self._tenants: OrderedDict[TenantId, _TenantIndex] = OrderedDict()
        self._catching_up: SingleFlight[_TenantIndex, None] = SingleFlight()

    def __len__(self) -> int:
        return len(self._tenants)

    async def fetch_index(self, tenant_id: TenantId) -> ServedIndex:
        """Fetch what has changed since the last call, and return the index.

        While the database is away, or a large import is read, what is in memory serves.

        Raises:
            KnowledgeTooLargeError: this tenant alone has more than all may have.
            asyncpg.PostgresError, OSError: the database is away, and nothing in memory.
        """
        try:
            state = await knowledge.fetch_state(self._pool, tenant_id)
            embedder = await self._embedders.fetch(state.served_model)
            await self._check_size(tenant_id, state.revision)
            held = self._hold(tenant_id, embedder)
            staleness = await self._catch_up_to(tenant_id, held, state.revision)
        except DATABASE_AWAY:
            known = self._tenants.get(tenant_id)
            if known is None or not known.is_whole:
                raise
            log.warning("served_from_memory", tenant_id=str(tenant_id))
            held, staleness = known, Staleness.DATABASE_AWAY
        self._make_room()
        if not held.is_whole and held.former is not None:
            held = held.former
        if staleness is Staleness.CATCHING_UP:
            await self._forget_deleted(tenant_id, held)
        return ServedIndex(held.index, held.embedder, staleness)

    async def _check_size(self, tenant_id: TenantId, revision: int) -> None:
        """Refuse a tenant whose index would fill the memory of all."""
        held = self._tenants.get(tenant_id)
        if held is not None and held.revision >= revision:
            return
        n_chunks = await knowledge.count_chunks(
            self._pool, tenant_id, self._max_chunks + 1
        )
        if n_chunks <= self._max_chunks:
            return
        self._tenants.pop(tenant_id, None)
        log.error("knowledge_too_large", tenant_id=str(tenant_id), chunks=n_chunks)
        message = (
            f"the knowledge has more than {self._max_chunks} passages, which is all"
            " that the search can hold; delete documents that nobody needs"
        )
        raise KnowledgeTooLargeError(message)

    async def _forget_deleted(self, tenant_id: TenantId, held: _TenantIndex) -> None:
        """Hide deleted documents at once: a withdrawn price must not be quoted."""
        try:
            deleted = await knowledge.fetch_deleted_documents(
                self._pool, tenant_id, held.revision
            )
        except DATABASE_AWAY:
            return
        if deleted:
            await asyncio.to_thread(held.index.bar, deleted)

    def _hold(self, tenant_id: TenantId, embedder: Embedder) -> _TenantIndex:
        held = self._tenants.get(tenant_id)
        if held is None or held.embedder.name != embedder.name:
            former = held if held is not None and held.is_whole else None
            held = self._tenants[tenant_id] = _TenantIndex(embedder, former)
        self._tenants.move_to_end(tenant_id)
        return held

    def forget(self, tenant_id: TenantId) -> None:
        """Drop the index of a tenant that was deleted."""
        self._tenants.pop(tenant_id, None)

    def _make_room(self) -> None:
        """Drop the indexes that were asked for least recently, until the rest fits."""
        n_chunks = sum(len(held) for held in self._tenants.values())
        while len(self._tenants) > 1 and (
            len(self._tenants) > self._max_tenants or n_chunks > self._max_chunks
        ):
            _, held = self._tenants.popitem(last=False)
            n_chunks -= len(held)

    async def _catch_up_to(
        self, tenant_id: TenantId, held: _TenantIndex, revision: int
    ) -> Staleness | None:
        """Wait for a revision; not long if there is something to serve meanwhile."""
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        while held.revision < revision or not held.is_whole:
            can_serve = held.is_whole or held.former is not None
            limit = asyncio.timeout_at(deadline if can_serve else None)
            try:
                async with limit:
                    # Questions that come together share one reading.
                    await self._catching_up.run(
                        held, lambda: self._catch_up(tenant_id, held, revision)
                    )
            except TimeoutError:
                if not limit.expired():
                    raise
                return Staleness.CATCHING_UP
        return None

    async def _catch_up(
        self, tenant_id: TenantId, held: _TenantIndex, revision: int
    ) -> None:
        changed = await knowledge.fetch_changed_documents(
            self._pool, tenant_id, held.revision
        )
        # Deletions first: a withdrawn text must not be quoted while the rest is read.
        deleted = [document.id for document in changed if document.is_deleted]
        if deleted:
            await asyncio.to_thread(held.index.apply, (), deleted)
        documents = [document.id for document in changed if not document.is_deleted]
        n_chunks = 0
        # In batches: a large tenant's rows would fill the memory twice over. The number
        # moves at the end, as one change may touch documents of two batches.
        for start in range(0, len(documents), DOCUMENTS_PER_BATCH):
            batch = documents[start : start + DOCUMENTS_PER_BATCH]
            chunks = await knowledge.fetch_chunks(
                self._pool, tenant_id, batch, held.embedder.name
            )
            usable = _drop_misfits(tenant_id, chunks, held.embedder.dimensions)
            await asyncio.to_thread(held.index.apply, usable, batch)
            n_chunks += len(chunks)
        # In a thread and before the index serves: for a large shop this takes seconds.
        await asyncio.to_thread(held.index.prepare)
        # The chunks may be newer than this revision; then they are read once more.
        held.revision = max(
            (document.revision for document in changed), default=revision
        )
        held.is_whole = True
        held.former = None
        log.info(
            "index_changed",
            tenant_id=str(tenant_id),
            revision=held.revision,
            documents=len(changed),
            chunks=n_chunks,
        )


def _drop_misfits(
    tenant_id: TenantId, chunks: Sequence[IndexedChunk], dimensions: int
) -> list[IndexedChunk]:
    """Drop vectors that can't be the model's, as after a folder was replaced.

    Words still find those chunks: one bad row must not end all of a shop's search.
    """
    fitting = [
        chunk
        if chunk.vector is None
        or (chunk.vector.shape == (dimensions,) and np.isfinite(chunk.vector).all())
        else replace(chunk, vector=None)
        for chunk in chunks
    ]
    n_misfits = sum(a is not b for a, b in zip(chunks, fitting, strict=True))
    if n_misfits:
        log.warning("unusable_vectors", tenant_id=str(tenant_id), chunks=n_misfits)
    return fitting
