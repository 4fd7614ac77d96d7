"""Embeds chunks in small batches, in the background of the answering.

Documents that an earlier reader read are read again, when nothing is to be embedded.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import structlog
from numpy.typing import NDArray

from actors.conversation.reasons import FailureReason
from actors.tasks import cancel_and_wait, run_on_signal
from deployments.answers.indexing.passage_worker import EmbedPassages
from deployments.answers.indexing.rereading import reread_document
from persistence import embeddings
from persistence.database import Pool
from persistence.embeddings import UnembeddedChunk
from retrieval.embedding.embedder import Embedder, check_vectors, passage_text

#: Chunks that one transaction stores; the embedder itself lets questions in between.
BATCH_SIZE = 8
#: Far more than a batch takes. A killed replica's chunks wait so long for another.
LEASE = timedelta(seconds=30)
#: A notification may be lost with its connection; then the next poll finds the work.
POLL_INTERVAL_S = 15.0
RETRY_PAUSE_S = 1.0

log = structlog.get_logger("indexer")


class KnowledgeIndexer:
    """Embeds every chunk that has no vector of the current model, until stopped."""

    def __init__(
        self,
        pool: Pool,
        embedder: Embedder,
        embed_passages: EmbedPassages | None = None,
    ) -> None:
        """Embed with `embed_passages`, or in threads of this process without."""
        self._pool = pool
        self._embedder = embedder
        self._embed_passages = embed_passages or self._embed_in_thread
        self._signal = asyncio.Event()
        self._has_taken_over = False
        self._task: asyncio.Task[None] | None = None

    def notify(self, _payload: str) -> None:
        """Look for new chunks: give this to a Listener on `pilito_knowledge`."""
        self._signal.set()

    def start(self) -> None:
        """Begin, with what an earlier run has left."""
        self._signal.set()
        self._task = asyncio.create_task(
            run_on_signal(
                self._signal,
                self._embed_all,
                name="indexer",
                retry_pause_s=RETRY_PAUSE_S,
                poll_interval_s=POLL_INTERVAL_S,
            ),
            name="indexer",
        )

    async def stop(self) -> None:
        """Stop; a batch that is not stored is embedded again next time."""
        await cancel_and_wait(self._task)

    async def take_over(self) -> None:
        """Mark the vectors of other models for replacement; until then they serve."""
        async with self._pool.acquire() as connection:
            await embeddings.park_foreign_embeddings(connection, self._embedder.name)

    async def embed_batch(self) -> int:
        """Embed one batch; return how many chunks it had.

        A text that the model can't embed keeps the reason and is tried again later; the
        others of its batch are embedded.
        """
        chunks = await embeddings.claim_unembedded(self._pool, BATCH_SIZE, LEASE)
        if not chunks:
            await self._serve_whole_tenants()
            return 0
        try:
            done, vectors = await self._embed(chunks)
            if done:
                async with self._pool.acquire() as connection, connection.transaction():
                    await embeddings.store_embeddings(
                        connection, done, vectors, self._embedder.name
                    )
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):
                await embeddings.release_unembedded(self._pool, chunks)
            raise
        return len(chunks)

    async def _embed_all(self) -> None:
        if not self._has_taken_over:
            await self.take_over()
            self._has_taken_over = True
        # In small steps: what a new reading left without a vector is embedded before
        # the next document is read.
        while await self.embed_batch() or await reread_document(
            self._pool, self._embedder.count_tokens
        ):
            pass

    async def _serve_whole_tenants(self) -> None:
        async with self._pool.acquire() as connection:
            for tenant_id in await embeddings.serve_whole_tenants(connection):
                log.info(
                    "model_changed",
                    tenant_id=str(tenant_id),
                    model=self._embedder.name,
                )

    async def _embed(
        self, chunks: Sequence[UnembeddedChunk]
    ) -> tuple[list[UnembeddedChunk], NDArray[np.float32]]:
        """Embed all at once or, if that fails, one by one to single out the faulty."""
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
                await embeddings.record_embedding_failure(
                    self._pool, chunk, FailureReason.NOT_EMBEDDED
                )
        return done, np.stack(vectors) if vectors else np.empty((0, 0), np.float32)

    async def _embed_in_thread(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return await asyncio.to_thread(self._embedder.embed_passages, texts)

    async def _embed_texts(
        self, chunks: Sequence[UnembeddedChunk]
    ) -> NDArray[np.float32]:
        texts = [passage_text(chunk.title, chunk.text) for chunk in chunks]
        vectors = await self._embed_passages(texts)
        check_vectors(vectors, len(texts), self._embedder.dimensions)
        return vectors
