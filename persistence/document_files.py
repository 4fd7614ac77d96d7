"""Files that documents were read from, kept as they were handed in."""

from dataclasses import dataclass

from persistence.database import Connection, Db
from persistence.ids import DocumentId, TenantId
from persistence.queries import load_queries

_SQL = load_queries("document_files")


@dataclass(frozen=True, slots=True)
class DocumentFile:
    """A file's name and bytes."""

    name: str
    content: bytes


async def insert_document_file(
    db: Connection, tenant_id: TenantId, document_id: DocumentId, file: DocumentFile
) -> None:
    """Keep a document's file inside the caller's transaction."""
    await db.execute(
        _SQL["insert_document_file"], tenant_id, document_id, file.name, file.content
    )


async def fetch_document_file(
    db: Db, tenant_id: TenantId, document_id: DocumentId
) -> DocumentFile | None:
    """Fetch a document's file; None if it was typed, or is not this tenant's."""
    row = await db.fetchrow(_SQL["fetch_document_file"], tenant_id, document_id)
    return None if row is None else DocumentFile(row["name"], row["content"])


async def delete_document_file(
    db: Connection, tenant_id: TenantId, document_id: DocumentId
) -> None:
    """Delete a document's file, if it has one, inside the caller's transaction."""
    await db.execute(_SQL["delete_document_file"], tenant_id, document_id)
