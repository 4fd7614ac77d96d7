"""Documents of a tenant's knowledge: stored, edited, deleted, cut into chunks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import cast
from uuid import uuid5

import asyncpg

from persistence.database import Connection, Db
from persistence.ids import DocumentId, TenantId
from persistence.paging import Found, Window, fetch_window
from persistence.queries import build_row, load_queries
from retrieval.documents.chunking import READER_VERSION, Parent
from retrieval.index.knowledge import SourceType

_SQL = load_queries("documents")


@dataclass(frozen=True, slots=True)
class DocumentContent:
    """The content of a document, as a person edits it."""

    source_type: SourceType
    title: str
    text: str
    url: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A document, and how many of its chunks are embedded."""

    id: DocumentId
    tenant_id: TenantId
    content: DocumentContent
    revision: int
    chunks: int
    embedded_chunks: int
    failed_chunks: int
    """Chunks that the model failed to embed again and again; words find them."""

    embedding_error: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class DocumentSummary:
    """A document in a list: its size instead of its text."""

    id: DocumentId
    source_type: SourceType
    title: str
    size_bytes: int
    url: str | None
    tags: tuple[str, ...]
    chunks: int
    embedded_chunks: int
    failed_chunks: int
    embedding_error: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class DocumentFilter:
    """Which documents a page lists; None leaves a filter out."""

    source_type: SourceType | None = None
    words: str | None = None


@dataclass(frozen=True, slots=True)
class _Embedding:
    vector: bytes | None = None
    model: str | None = None
    #: The previous model's, which serves until the new model has embedded all.
    old_vector: bytes | None = None
    old_model: str | None = None


async def create_document(
    db: Connection,
    tenant_id: TenantId,
    document_id: DocumentId,
    content: DocumentContent,
    parents: Sequence[Parent],
) -> None:
    """Store a new document inside the caller's transaction."""
    revision = await next_revision(db, tenant_id)
    await db.execute(
        _SQL["insert_document"],
        document_id,
        tenant_id,
        content.source_type,
        content.title,
        content.text,
        content.url,
        content.tags,
        revision,
        READER_VERSION,
    )
    await _insert_parents(db, tenant_id, document_id, revision, parents, {})
    await notify_knowledge(db, tenant_id)


async def replace_document(
    db: Connection,
    old: Document,
    content: DocumentContent,
    parents: Sequence[Parent],
) -> None:
    """Store a document's new content inside the caller's transaction.

    The caller holds `lock_document`. Chunks whose words are the same keep their
    embedding: the embedder reads title and text, so a new title asks for all anew.
    """
    tenant_id, document_id = old.tenant_id, old.id
    kept = (
        await _fetch_embeddings(db, old) if content.title == old.content.title else {}
    )
    revision = await next_revision(db, tenant_id)
    await db.execute(
        _SQL["update_document"],
        tenant_id,
        document_id,
        content.source_type,
        content.title,
        content.text,
        content.url,
        content.tags,
        revision,
        READER_VERSION,
    )
    await db.execute(_SQL["delete_parents"], tenant_id, document_id)
    await _insert_parents(db, tenant_id, document_id, revision, parents, kept)
    await notify_knowledge(db, tenant_id)


async def claim_outdated_document(db: Connection) -> Document | None:
    """Lock a document, without its counts, that an earlier reader has read.

    None if there is none, or if other replicas are at all of them.
    """
    row = await db.fetchrow(_SQL["claim_outdated_document"], READER_VERSION)
    return None if row is None else _document(row)


async def record_reading(
    db: Connection, document: Document, parents: Sequence[Parent]
) -> None:
    """Store what today's reader made of a document, inside the caller's transaction.

    Nobody has edited it, so it counts as no newer than before; chunks whose words are
    the same keep their embedding. Without parents its chunks stay as they are.
    """
    tenant_id, document_id = document.tenant_id, document.id
    revision = document.revision
    if parents:
        kept = await _fetch_embeddings(db, document)
        revision = await next_revision(db, tenant_id)
        await db.execute(_SQL["delete_parents"], tenant_id, document_id)
        await _insert_parents(db, tenant_id, document_id, revision, parents, kept)
        await notify_knowledge(db, tenant_id)
    await db.execute(
        _SQL["record_reading"], tenant_id, document_id, revision, READER_VERSION
    )


async def delete_document(
    db: Connection, tenant_id: TenantId, document_id: DocumentId
) -> bool:
    """Delete a document inside the caller's transaction; False if unknown."""
    if await lock_document(db, tenant_id, document_id) is None:
        return False
    revision = await next_revision(db, tenant_id)
    await db.execute(_SQL["mark_document_deleted"], tenant_id, document_id, revision)
    await db.execute(_SQL["delete_parents"], tenant_id, document_id)
    await notify_knowledge(db, tenant_id)
    return True


async def lock_document(
    db: Connection, tenant_id: TenantId, document_id: DocumentId
) -> Document | None:
    """Fetch a document without its counts, and lock it until the commit."""
    row = await db.fetchrow(_SQL["lock_document"], tenant_id, document_id)
    return None if row is None else _document(row)


async def fetch_document(
    db: Db, tenant_id: TenantId, document_id: DocumentId
) -> Document | None:
    """Fetch a document; None if it is not this tenant's, or was deleted."""
    row = await db.fetchrow(_SQL["fetch_document"], tenant_id, document_id)
    return None if row is None else _document(row)


async def fetch_documents_page(
    db: Db, tenant_id: TenantId, wanted: DocumentFilter, window: Window
) -> Found[DocumentSummary]:
    """Fetch a page without texts, the last changed first; a search is not counted."""
    count = None if wanted.words else _SQL["count_documents"]
    return await fetch_window(
        db,
        (_SQL["fetch_documents_page"], count),
        (tenant_id, wanted.source_type, wanted.words),
        window,
        ("updated_at", "id"),
        partial(build_row, DocumentSummary),
    )


async def next_revision(db: Connection, tenant_id: TenantId) -> int:
    """Take the next revision; other changes of the tenant wait for the commit."""
    return cast("int", await db.fetchval(_SQL["next_revision"], tenant_id))


async def notify_knowledge(db: Connection, tenant_id: TenantId) -> None:
    """Notify the indexer and every index when the caller's transaction commits."""
    await db.execute(_SQL["notify_knowledge"], tenant_id)


async def _fetch_embeddings(
    db: Connection, document: Document
) -> dict[str, _Embedding]:
    """Fetch a document's vectors, by the text that each was made of."""
    rows = await db.fetch(_SQL["fetch_embeddings"], document.tenant_id, document.id)
    return {
        row["text"]: _Embedding(
            row["embedding"],
            row["embedding_model"],
            row["old_embedding"],
            row["old_embedding_model"],
        )
        for row in rows
    }


async def _insert_parents(
    db: Connection,
    tenant_id: TenantId,
    document_id: DocumentId,
    revision: int,
    parents: Sequence[Parent],
    kept: dict[str, _Embedding],
) -> None:
    # Ids carry the revision: an index never mistakes a new chunk for an old one.
    parent_ids = [
        uuid5(document_id, f"parent:{revision}:{parent.position}") for parent in parents
    ]
    await db.execute(
        _SQL["insert_parents"],
        tenant_id,
        document_id,
        parent_ids,
        [parent.position for parent in parents],
        [parent.text for parent in parents],
    )
    chunks = [
        (parent_id, chunk)
        for parent_id, parent in zip(parent_ids, parents, strict=True)
        for chunk in parent.chunks
    ]
    embeddings = [kept.get(chunk.text, _Embedding()) for _, chunk in chunks]
    await db.execute(
        _SQL["insert_chunks"],
        tenant_id,
        document_id,
        [
            uuid5(document_id, f"chunk:{revision}:{chunk.position}")
            for _, chunk in chunks
        ],
        [parent_id for parent_id, _ in chunks],
        [chunk.position for _, chunk in chunks],
        [chunk.text for _, chunk in chunks],
        [chunk.block for _, chunk in chunks],
        [embedding.vector for embedding in embeddings],
        [embedding.model for embedding in embeddings],
        [embedding.old_vector for embedding in embeddings],
        [embedding.old_model for embedding in embeddings],
    )


def _document(row: asyncpg.Record) -> Document:
    return Document(
        id=DocumentId(row["id"]),
        tenant_id=TenantId(row["tenant_id"]),
        content=DocumentContent(
            SourceType(row["source_type"]),
            row["title"],
            row["text"],
            row["url"],
            (*row["tags"],),
        ),
        revision=row["revision"],
        chunks=row["chunks"],
        embedded_chunks=row["embedded_chunks"],
        failed_chunks=row["failed_chunks"],
        embedding_error=row["embedding_error"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
