"""Reads a tenant's knowledge for its index: revisions and chunks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict, cast

import asyncpg
import numpy as np

from persistence.database import Db
from persistence.ids import DocumentId, TenantId
from persistence.queries import load_queries
from retrieval.documents.blocks import Block, BlockKind, Cell
from retrieval.index.knowledge import IndexedChunk, SourceType

_SQL = load_queries("knowledge")


@dataclass(frozen=True, slots=True)
class ChangedDocument:
    """A document that changed after an index's revision."""

    id: DocumentId
    revision: int
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class KnowledgeState:
    """The revision of a tenant's knowledge, and the model that serves it."""

    revision: int
    """The number of its last change; 0 before the first."""

    served_model: str | None
    """The model whose vectors are searched; None is the model of the setting."""


async def fetch_state(db: Db, tenant_id: TenantId) -> KnowledgeState:
    """Fetch the tenant's revision, and the model that serves it."""
    row = await db.fetchrow(_SQL["fetch_state"], tenant_id)
    if row is None:
        return KnowledgeState(0, None)
    return KnowledgeState(row["revision"], row["served_model"])


async def fetch_changed_documents(
    db: Db, tenant_id: TenantId, since: int
) -> tuple[ChangedDocument, ...]:
    """Fetch the documents that changed after a revision, oldest change first."""
    rows = await db.fetch(_SQL["fetch_changed_documents"], tenant_id, since)
    return tuple(
        ChangedDocument(row["id"], row["revision"], row["is_deleted"]) for row in rows
    )


async def fetch_deleted_documents(
    db: Db, tenant_id: TenantId, since: int
) -> tuple[DocumentId, ...]:
    """Fetch the documents that were deleted after a revision."""
    rows = await db.fetch(_SQL["fetch_deleted_documents"], tenant_id, since)
    return tuple(DocumentId(row["id"]) for row in rows)


async def fetch_chunks(
    db: Db, tenant_id: TenantId, documents: Sequence[DocumentId], model: str
) -> tuple[IndexedChunk, ...]:
    """Fetch all chunks of some documents, with the vectors that the model made."""
    rows = await db.fetch(_SQL["fetch_chunks"], tenant_id, documents, model)
    return tuple(_chunk(row) for row in rows)


async def count_unembedded(db: Db, tenant_id: TenantId) -> int:
    """Count the chunks that can't be found by meaning yet."""
    return cast("int", await db.fetchval(_SQL["count_unembedded"], tenant_id))


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
        tags=frozenset(row["tags"]),
        block=None if row["block"] is None else _block(row["block"]),
        revision=row["content_revision"],
        vector=None
        if embedding is None
        else np.frombuffer(embedding, dtype="<f2").astype(np.float32),
    )


async def count_chunks(db: Db, tenant_id: TenantId, limit: int) -> int:
    """Count a tenant's chunks, no further than `limit`."""
    return cast("int", await db.fetchval(_SQL["count_chunks"], tenant_id, limit))


class _StoredCell(TypedDict):
    name: str
    value: str


class _StoredBlock(TypedDict):
    kind: str
    text: str
    headings: Sequence[str]
    question: str
    cells: Sequence[_StoredCell]


def _block(stored: _StoredBlock) -> Block:
    return Block(
        BlockKind(stored["kind"]),
        stored["text"],
        tuple(stored["headings"]),
        stored["question"],
        tuple(Cell(**cell) for cell in stored["cells"]),
    )
