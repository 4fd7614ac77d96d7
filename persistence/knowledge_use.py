"""How much knowledge a tenant has, and the most that it may have."""

from dataclasses import dataclass
from typing import Self

from persistence.database import Connection
from persistence.errors import KnowledgeFullError
from persistence.ids import TenantId
from persistence.queries import load_queries

_SQL = load_queries("knowledge_use")
_MEGABYTE = 2**20


@dataclass(frozen=True, slots=True)
class KnowledgeLimits:
    """The most that one tenant may have."""

    max_chunks: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class KnowledgeUse:
    """What a tenant has: chunks, and bytes of texts and of files."""

    chunks: int
    bytes: int

    @classmethod
    async def fetch(cls, db: Connection, tenant_id: TenantId) -> Self:
        """Fetch what the caller's transaction sees."""
        row = await db.fetchrow(_SQL["fetch_knowledge_use"], tenant_id)
        return cls(0, 0) if row is None else cls(row["chunks"], int(row["bytes"]))


async def check_knowledge_use(
    db: Connection,
    tenant_id: TenantId,
    limits: KnowledgeLimits,
    before: KnowledgeUse | None = None,
) -> None:
    """Refuse what the caller's transaction has just stored if it is too much.

    The revision that each change takes is locked until the commit: two changes at once
    are both counted. What makes the knowledge smaller than `before` is never refused.

    Raises:
        KnowledgeFullError: with the limit and the use; the caller rolls back.
    """
    after = await KnowledgeUse.fetch(db, tenant_id)
    grows = before is None or after.chunks > before.chunks
    if after.chunks > limits.max_chunks and grows:
        message = (
            f"text: {after.chunks:,} passages would be stored, and the limit is"
            f" {limits.max_chunks:,}; delete documents, or have"
            " PILITO_KNOWLEDGE_MAX_CHUNKS raised"
        )
        raise KnowledgeFullError(message)
    grows = before is None or after.bytes > before.bytes
    if after.bytes > limits.max_bytes and grows:
        message = (
            f"text: {after.bytes / _MEGABYTE:.1f} MB of texts and files would be"
            f" stored, and the limit is {limits.max_bytes / _MEGABYTE:g} MB; delete"
            " documents, or have PILITO_KNOWLEDGE_MAX_MB raised"
        )
        raise KnowledgeFullError(message)
