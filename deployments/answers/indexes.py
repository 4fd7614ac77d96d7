"""The indexes of the tenants that asked last, as the database has them now."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import structlog

from deployments.answers.embedders import Embedders
from persistence.database import Pool
from persistence.errors import DATABASE_AWAY
from persistence.ids import TenantId
from persistence.knowledge import (
    fetch_changed_documents,
    fetch_chunks,
    fetch_deleted_documents,
    fetch_state,
)
from retrieval.embedding.embedder import Embedder
from retrieval.index.knowledge import IndexedChunk
from retrieval.index.knowledge_index import KnowledgeIndex

#: Tenants whose indexes stay in memory: a small shop's takes half a megabyte.
MAX_TENANTS = 512
#: Chunks of all of them together, some 20 KB each: a few large shops must not fill the
#: machine. The shop that asks is served whatever its size.
MAX_CHUNKS = 100_000
#: Documents read at once: some thousand chunks, which take half a second to index.
DOCUMENTS_AT_ONCE = 200
#: An edit is there long before; a question does not wait for a large import's end.
CATCH_UP_TIMEOUT_S = 0.5

log = structlog.get_logger("retriever")


class Staleness(StrEnum):
    """Why an index may lack the last changes."""

    DATABASE_AWAY = "database_away"
    CATCHING_UP = "catching_up"


@dataclass(frozen=True, slots=True)
class ServedIndex:
    """An index, and what embeds questions for it."""

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
        #: The one of the model before, until this one is whole.
        self.former = former
        self.revision = 0
        #: Has been caught up once: what it holds can serve.
        self.is_whole = False
        self.catching_up: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """Count the chunks in memory."""
        return len(self.index) + (0 if self.former is None else len(self.former))


class TenantIndexes:
    """Gives a tenant's index, caught up with the tenant's last change.

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

    def __len__(self) -> int:
        return len(self._tenants)

    async def fetch_index(self, tenant_id: TenantId) -> ServedIndex:
        """Fetch what has changed since the last call, and return the index.

        While the database is away, or a large import is read, what is in memory serves.

        Raises:
            asyncpg.PostgresError, OSError: the database is away, and nothing in memory.
        """
        try:
            state = await fetch_state(self._pool, tenant_id)
            embedder = await self._embedders.fetch(state.served_model)
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

    async def _forget_deleted(self, tenant_id: TenantId, held: _TenantIndex) -> None:
        """Take out what went: a price may be told late, never what was withdrawn."""
        try:
            gone = await fetch_deleted_documents(self._pool, tenant_id, held.revision)
        except DATABASE_AWAY:
            return
        if gone:
            await asyncio.to_thread(held.index.bar, gone)

    def _hold(self, tenant_id: TenantId, embedder: Embedder) -> _TenantIndex:
        held = self._tenants.get(tenant_id)
        if held is None or held.embedder.name != embedder.name:
            former = held if held is not None and held.is_whole else None
            held = self._tenants[tenant_id] = _TenantIndex(embedder, former)
        self._tenants.move_to_end(tenant_id)
        return held

    def _make_room(self) -> None:
        """Let go of who asked least recently, until the others fit."""
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
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + self._timeout_s
        while held.revision < revision or not held.is_whole:
            # Questions that come together wait for one reading, not for each its own.
            task = held.catching_up
            if task is None or task.done():
                task = asyncio.create_task(self._catch_up(tenant_id, held, revision))
                task.add_done_callback(_retrieve_exception)
                held.catching_up = task
            can_serve = held.is_whole or held.former is not None
            timeout = give_up_at - loop.time() if can_serve else None
            done, _ = await asyncio.wait({task}, timeout=timeout)
            if not done:
                return Staleness.CATCHING_UP
            task.result()
        return None

    async def _catch_up(
        self, tenant_id: TenantId, held: _TenantIndex, revision: int
    ) -> None:
        changed = await fetch_changed_documents(self._pool, tenant_id, held.revision)
        # First of all: what is deleted must not be told to anybody any more.
        gone = [one.id for one in changed if one.is_deleted]
        if gone:
            await asyncio.to_thread(held.index.apply, (), gone)
        documents = [one.id for one in changed if not one.is_deleted]
        n_chunks = 0
        # In batches: a large tenant's rows would fill the memory twice over. The number
        # moves at the end, as one change may touch documents of two batches.
        for start in range(0, len(documents), DOCUMENTS_AT_ONCE):
            batch = documents[start : start + DOCUMENTS_AT_ONCE]
            chunks = await fetch_chunks(
                self._pool, tenant_id, batch, held.embedder.name
            )
            usable = _drop_misfits(tenant_id, chunks, held.embedder.dimensions)
            await asyncio.to_thread(held.index.apply, usable, batch)
            n_chunks += len(chunks)
        # Off the answering path: a large shop's takes seconds.
        await asyncio.to_thread(held.index.prepare)
        # What was read may be newer than the number; then it is read once more.
        held.revision = max((one.revision for one in changed), default=revision)
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
    """Leave out vectors that can't be the model's, as of a folder that was replaced.

    The words still find those chunks; one bad row must not end all of a shop's search.
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


def _retrieve_exception(task: asyncio.Task[None]) -> None:
    """Whoever waits is told; that nobody may be left to wait is no error of its own."""
    if not task.cancelled():
        task.exception()
