"""A tenant's knowledge as it is read: revisions, chunks, and what lacks a vector."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

import asyncpg
import numpy as np
from numpy.typing import NDArray

from persistence.database import Connection, Db
from persistence.documents import next_revision, notify_knowledge
from persistence.ids import DocumentId, TenantId
from persistence.queries import load_queries
from retrieval.knowledge import IndexedChunk, SourceType

_SQL = load_queries("knowledge")


@dataclass(frozen=True, slots=True)
class ChangedDocument:
    """A document that an index does not know in this state."""

    id: DocumentId
    revision: int
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class UnembeddedChunk:
    """A chunk that waits for its vector."""

    id: UUID
    tenant_id: TenantId
    document_id: DocumentId
    title: str
    text: str


async def fetch_revision(db: Db, tenant_id: TenantId) -> int:
    """Fetch the number of the tenant's last change; 0 before the first."""
    revision = await db.fetchval(_SQL["fetch_revision"], tenant_id)
    return cast("int", revision or 0)


async def fetch_changed_documents(
    db: Db, tenant_id: TenantId, since: int
) -> tuple[ChangedDocument, ...]:
    """Fetch what changed after a revision, oldest change first."""
    rows = await db.fetch(_SQL["fetch_changed_documents"], tenant_id, since)
    return tuple(
        ChangedDocument(row["id"], row["revision"], row["is_deleted"]) for row in rows
    )


async def fetch_chunks(
    db: Db, tenant_id: TenantId, documents: Sequence[DocumentId], model: str
) -> tuple[IndexedChunk, ...]:
    """Fetch all chunks of some documents, with the vectors that the model made."""
    rows = await db.fetch(_SQL["fetch_chunks"], tenant_id, documents, model)
    return tuple(_chunk(row) for row in rows)


async def forget_foreign_embeddings(db: Db, model: str) -> None:
    """Forget the vectors of every model but this one."""
    await db.execute(_SQL["forget_foreign_embeddings"], model)


async def claim_embedding(db: Connection) -> bool:
    """Become the only one who embeds, until the connection is given back."""
    return cast("bool", await db.fetchval(_SQL["claim_embedding"]))


async def fetch_unembedded(db: Db, limit: int) -> tuple[UnembeddedChunk, ...]:
    """Fetch chunks of one tenant that lack a vector."""
    rows = await db.fetch(_SQL["fetch_unembedded"], limit)
    return tuple(
        UnembeddedChunk(
            row["id"], row["tenant_id"], row["document_id"], row["title"], row["text"]
        )
        for row in rows
    )


async def count_unembedded(db: Db, tenant_id: TenantId) -> int:
    """Count the chunks that can't be found by meaning yet."""
    return cast("int", await db.fetchval(_SQL["count_unembedded"], tenant_id))


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


def _chunk(row: asyncpg.Record) -> IndexedChunk:
    embedding = row["embedding"]
    return IndexedChunk(
        chunk_id=row["id"],
        document_id=row["document_id"],
        source=SourceType(row["source_type"]),
        title=row["title"],
        text=row["text"],
        parent_id=row["parent_id"],
        parent_text=row["parent_text"],
        url=row["url"],
        vector=None
        if embedding is None
        else np.frombuffer(embedding, dtype="<f2").astype(np.float32),
    )
