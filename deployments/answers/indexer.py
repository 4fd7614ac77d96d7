"""Gives chunks their vectors, in small batches, beside the answering."""

import asyncio
import contextlib

import asyncpg
import structlog

from persistence.database import Pool
from persistence.knowledge import (
    claim_embedding,
    fetch_unembedded,
    forget_foreign_embeddings,
    store_embeddings,
)
from retrieval.embedding import Embedder, passage_text

#: A question waits for at most one batch: about a quarter of a second.
BATCH = 8
#: A notification may be lost with its connection; then this one finds the work.
IDLE = 15.0
PAUSE_AFTER_FAILURE_S = 1.0

log = structlog.get_logger("indexer")


class KnowledgeIndexer:
    """Embeds what has no vector of today's model, until it is told to stop."""

    def __init__(self, pool: Pool, embedder: Embedder) -> None:
        self._pool = pool
        self._embedder = embedder
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def notify(self, _payload: str) -> None:
        """Come and look: give this to a Listener on `pilito_knowledge`."""
        self._wake.set()

    def start(self) -> None:
        """Begin, with what an earlier run has left."""
        self._task = asyncio.create_task(self._run(), name="indexer")

    async def stop(self) -> None:
        """Stop; a batch that is not stored is embedded again next time."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def embed_batch(self) -> int:
        """Embed one batch; return how many chunks it had.

        None while another replica is at it: that one goes on by itself, and should it
        die, the next look finds its work.
        """
        async with self._pool.acquire() as connection:
            # Given back, the connection lets go of the lock.
            if not await claim_embedding(connection):
                return 0
            chunks = await fetch_unembedded(connection, BATCH)
            if not chunks:
                return 0
            texts = [passage_text(chunk.title, chunk.text) for chunk in chunks]
            vectors = await asyncio.to_thread(self._embedder.embed_passages, texts)
            async with connection.transaction():
                await store_embeddings(connection, chunks, vectors, self._embedder.name)
            return len(chunks)

    async def _run(self) -> None:
        knows_its_model = False
        while True:
            self._wake.clear()
            try:
                if not knows_its_model:
                    await forget_foreign_embeddings(self._pool, self._embedder.name)
                    knows_its_model = True
                found = await self.embed_batch()
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                log.warning("database_away", error=repr(error))
                await asyncio.sleep(PAUSE_AFTER_FAILURE_S)
                continue
            except Exception:
                # One text that the model can't take must not stop all others for ever.
                log.exception("embedding_failed")
                await asyncio.sleep(IDLE)
                continue
            if not found:
                # Not wait_for: in Python 3.11 it forgets a cancellation that comes
                # together with the event, and `stop` would wait for ever.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(IDLE):
                        await self._wake.wait()
