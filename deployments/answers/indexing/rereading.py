"""Reads documents again that an earlier version of the reader has read."""

import asyncio
from collections.abc import Callable

import structlog

from persistence.database import Pool
from persistence.documents import claim_outdated_document, record_reading
from retrieval.documents.chunking import Parent, chunk_document

log = structlog.get_logger("rereading")


async def reread_document(pool: Pool, count_tokens: Callable[[str], int]) -> bool:
    """Read one document again; return whether there was one.

    Its old chunks are searched until the new ones take their place in one transaction.
    A document that the reader fails with keeps its chunks.
    """
    async with pool.acquire() as connection, connection.transaction():
        document = await claim_outdated_document(connection)
        if document is None:
            return False
        parents: tuple[Parent, ...] = ()
        try:
            parents = await asyncio.to_thread(
                chunk_document,
                document.content.title,
                document.content.text,
                count_tokens,
            )
        except Exception:
            # Else this document would stop all that follow it.
            log.exception("document_not_read", document_id=str(document.id))
        await record_reading(connection, document, parents)
    return True
