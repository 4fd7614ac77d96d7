"""Gives chunks their vectors, in small batches, beside the answering."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta

import asyncpg
import numpy as np
import structlog
from numpy.typing import NDArray

from persistence.database import Pool
from persistence.embeddings import (
    UnembeddedChunk,
    claim_unembedded,
    park_foreign_embeddings,
    record_embedding_failure,
    release_unembedded,
    serve_whole_tenants,
    store_embeddings,
)
from retrieval.embedding.embedder import Embedder, check_vectors, passage_text

#: What one transaction stores; the embedder itself lets questions in between.
BATCH = 8
#: Far more than a batch takes. What a killed replica was at waits so long.
LEASE = timedelta(seconds=30)
#: A notification may be lost with its connection; then this one finds the work.
IDLE = 15.0
PAUSE_AFTER_FAILURE_S = 1.0

log = structlog.get_logger("indexer")


class KnowledgeIndexer:
    """Embeds what has no vector of today's model, until it is told to stop.

    One that only stands in for another model leaves that one's vectors as they are.
    """

    def __init__(
        self, pool: Pool, embedder: Embedder, *, stands_in: bool = False
    ) -> None:
        self._pool = pool
        self._embedder = embedder
        self._stands_in = stands_in
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

    async def take_over(self) -> None:
        """Have the vectors of other models made anew; until then they serve."""
        async with self._pool.acquire() as connection:
            await park_foreign_embeddings(connection, self._embedder.name)

    async def embed_batch(self) -> int:
        """Embed one batch; return how many chunks it had.

        A text that the model can't take is left behind with the reason, and tried again
        later; the others of its batch are embedded.
        """
        chunks = await claim_unembedded(self._pool, BATCH, LEASE)
        if not chunks:
            await self._serve_whole_tenants()
            return 0
        try:
            done, vectors = await self._embed(chunks)
            if done:
                async with self._pool.acquire() as connection, connection.transaction():
                    await store_embeddings(
                        connection, done, vectors, self._embedder.name
                    )
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):
                await release_unembedded(self._pool, chunks)
            raise
        return len(chunks)

    async def _serve_whole_tenants(self) -> None:
        async with self._pool.acquire() as connection:
            for tenant_id in await serve_whole_tenants(connection):
                log.info(
                    "model_changed",
                    tenant_id=str(tenant_id),
                    model=self._embedder.name,
                )

    async def _embed(
        self, chunks: Sequence[UnembeddedChunk]
    ) -> tuple[list[UnembeddedChunk], NDArray[np.float32]]:
        """Embed all at once or, if that fails, one by one to find the one to blame."""
        try:
            return [*chunks], await self._embed_texts(chunks)
        except Exception as error:  # noqa: BLE001  # a model may raise what it likes
            log.warning("batch_failed", error=repr(error), chunks=len(chunks))
        done: list[UnembeddedChunk] = []
        vectors: list[NDArray[np.float32]] = []
        for chunk in chunks:
            try:
                vectors.append((await self._embed_texts([chunk]))[0])
                done.append(chunk)
            except Exception as error:  # noqa: BLE001
                log.warning("chunk_failed", chunk_id=str(chunk.id), error=repr(error))
                reason = f"{type(error).__name__}: {error}"
                await record_embedding_failure(self._pool, chunk, reason)
        return done, np.stack(vectors) if vectors else np.empty((0, 0), np.float32)

    async def _embed_texts(
        self, chunks: Sequence[UnembeddedChunk]
    ) -> NDArray[np.float32]:
        texts = [passage_text(chunk.title, chunk.text) for chunk in chunks]
        vectors = await asyncio.to_thread(self._embedder.embed_passages, texts)
        check_vectors(vectors, len(texts), self._embedder.dimensions)
        return vectors

    async def _run(self) -> None:
        has_taken_over = self._stands_in
        while True:
            self._wake.clear()
            try:
                if not has_taken_over:
                    await self.take_over()
                    has_taken_over = True
                found = await self.embed_batch()
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                log.warning("database_away", error=repr(error))
                await asyncio.sleep(PAUSE_AFTER_FAILURE_S)
                continue
            except Exception:
                # Without this loop no document would ever be found by meaning again.
                log.exception("indexing_failed")
                await asyncio.sleep(PAUSE_AFTER_FAILURE_S)
                continue
            if not found:
                # Not wait_for: in Python 3.11 it forgets a cancellation that comes
                # together with the event, and `stop` would wait for ever.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(IDLE):
                        await self._wake.wait()
