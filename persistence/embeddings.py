"""Embeddings of chunks: claimed, stored, failed, and switched to another model."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from persistence.database import Connection, Db
from persistence.documents import next_revision, notify_knowledge
from persistence.ids import DocumentId, TenantId
from persistence.queries import load_queries

_SQL = load_queries("embeddings")

#: After so many failures a chunk counts as failed for good.
MAX_FAILURES = 3
_REASON_CHARS = 500


@dataclass(frozen=True, slots=True)
class UnembeddedChunk:
    """A chunk that waits for its vector."""

    id: UUID
    tenant_id: TenantId
    document_id: DocumentId
    title: str
    text: str


async def park_foreign_embeddings(db: Connection, model: str) -> None:
    """Mark the vectors of other models for replacement; until then they serve."""
    async with db.transaction():
        await db.execute(_SQL["park_foreign_embeddings"], model)
        await db.execute(_SQL["restore_own_embeddings"], model)


async def claim_unembedded(
    db: Db, limit: int, lease: timedelta
) -> tuple[UnembeddedChunk, ...]:
    """Claim chunks of one tenant that lack a vector, for the time of the lease."""
    rows = await db.fetch(_SQL["claim_unembedded"], limit, lease)
    return tuple(
        UnembeddedChunk(
            row["id"], row["tenant_id"], row["document_id"], row["title"], row["text"]
        )
        for row in rows
    )


async def release_unembedded(db: Db, chunks: Sequence[UnembeddedChunk]) -> None:
    """Release claimed chunks that are not embedded."""
    await db.execute(_SQL["release_unembedded"], [chunk.id for chunk in chunks])


async def record_embedding_failure(db: Db, chunk: UnembeddedChunk, reason: str) -> None:
    """Store why a chunk could not be embedded; it is tried again later."""
    await db.execute(_SQL["record_embedding_failure"], chunk.id, reason[:_REASON_CHARS])


async def store_embeddings(
    db: Connection,
    chunks: Sequence[UnembeddedChunk],
    vectors: NDArray[np.float32],
    model: str,
) -> None:
    """Store one tenant's vectors inside the caller's transaction, as a new revision.

    vectors: shape (len(chunks), dimensions); kept as float16, which moves a cosine by
    less than 0.001 and halves the table.
    """
    documents = sorted({chunk.document_id for chunk in chunks})
    await db.execute(_SQL["lock_documents"], documents)
    revision = await next_revision(db, chunks[0].tenant_id)
    await db.execute(
        _SQL["store_embeddings"],
        [chunk.id for chunk in chunks],
        [vector.astype("<f2").tobytes() for vector in vectors],
        model,
    )
    await db.execute(_SQL["touch_documents"], documents, revision)
    await notify_knowledge(db, chunks[0].tenant_id)


async def serve_whole_tenants(db: Connection) -> tuple[TenantId, ...]:
    """Switch tenants whose chunks are all embedded to the new model; return them."""
    async with db.transaction():
        rows = await db.fetch(_SQL["serve_whole_tenants"], MAX_FAILURES)
        whole = tuple(TenantId(row["tenant_id"]) for row in rows)
        for tenant_id in whole:
            await db.execute(_SQL["forget_old_embeddings"], tenant_id)
            await notify_knowledge(db, tenant_id)
    return whole
