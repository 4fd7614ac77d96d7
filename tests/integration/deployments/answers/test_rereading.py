"""Documents of an earlier reader are read again, and can be found all the while."""

import pytest

from deployments.answers.indexing.indexer import KnowledgeIndexer
from deployments.answers.indexing.rereading import reread_document
from deployments.answers.retriever import KnowledgeRetriever
from persistence.database import Pool
from persistence.ids import TenantId
from persistence.tenants import create_tenant
from tests.support.knowledge import (
    PAGES,
    SHIPPING,
    CountingEmbedder,
    Page,
    add_page,
    count_missing,
)
from tests.support.waiting import wait_for_count

QUESTION = "هزینه ارسال چقدره؟"
#: What the reader of before blocks left: chunks of other words, and of no block.
FORGET = """
UPDATE documents SET reader_version = 0;
UPDATE chunks SET block = NULL, text = text || ' ' WHERE position = 0;
UPDATE chunks SET block = NULL;
"""
OUTDATED = "SELECT count(*) FROM documents WHERE reader_version = 0"


@pytest.fixture
async def tenant(pool: Pool) -> TenantId:
    return (await create_tenant(pool, "shop")).id


async def add_outdated(pool: Pool, tenant: TenantId, *pages: Page) -> None:
    for page in pages:
        await add_page(pool, tenant, page)
    await pool.execute(FORGET)


async def test_it_is_found_before_and_after_and_has_its_block_then(
    pool: Pool, tenant: TenantId, embedder: CountingEmbedder
) -> None:
    retriever = KnowledgeRetriever(pool, embedder)
    await add_outdated(pool, tenant, *PAGES)
    for left in (2, 1, 0):
        found = await retriever.retrieve(tenant, QUESTION)
        assert found["chunks"][0]["title"] == SHIPPING.title
        assert await reread_document(pool, embedder.count_tokens)
        assert await pool.fetchval(OUTDATED) == left
    assert not await reread_document(pool, embedder.count_tokens)
    found = await retriever.retrieve(tenant, QUESTION)
    assert found["chunks"][0]["title"] == SHIPPING.title
    assert await pool.fetchval("SELECT count(*) FROM chunks WHERE block IS NULL") == 0


async def test_the_indexer_reads_them_and_embeds_only_what_changed(
    pool: Pool, tenant: TenantId, embedder: CountingEmbedder
) -> None:
    two = "سایز کفش را در شب اندازه بگیرید.\n\nپاها در شب بزرگ‌تر از صبح هستند."
    await add_outdated(pool, tenant, Page("راهنما", two))
    indexer = KnowledgeIndexer(pool, embedder)
    while await indexer.embed_batch():
        pass
    n_embedded = len(embedder.passages)
    indexer.start()
    try:
        await wait_for_count(pool, OUTDATED, 0, channel="pilito_knowledge")
        missing = "SELECT count(*) FROM chunks WHERE embedding IS NULL"
        await wait_for_count(pool, missing, 0, channel="pilito_knowledge")
    finally:
        await indexer.stop()
    assert len(embedder.passages) == n_embedded + 1
    assert await count_missing(pool) == 0


async def test_a_text_that_the_reader_fails_with_keeps_its_chunks(
    pool: Pool, tenant: TenantId
) -> None:
    await add_outdated(pool, tenant, SHIPPING)

    def fail(_text: str) -> int:
        message = "no such token"
        raise ValueError(message)

    assert await reread_document(pool, fail)
    assert not await reread_document(pool, fail)
    assert await pool.fetchval("SELECT count(*) FROM chunks") == 1
