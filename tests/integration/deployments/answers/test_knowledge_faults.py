"""What a broken model, a spoilt row or a huge shop may do to the search: little."""

import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from structlog.testing import capture_logs

from actors.conversation.reasons import FailureReason
from deployments.answers.embedders import Embedders
from deployments.answers.indexing.indexer import KnowledgeIndexer
from deployments.answers.indexing.indexes import TenantIndexes
from deployments.answers.retriever import KnowledgeRetriever, RetrieverDependencies
from persistence.database import Pool
from persistence.ids import TenantId
from persistence.listener import Listener
from persistence.tenants import create_tenant
from retrieval.index.knowledge import SourceType
from retrieval.production_rag import RagOptions
from tests.support.knowledge import (
    PAGES,
    RETURNS,
    SHIPPING,
    CountingEmbedder,
    add_page,
    count_missing,
)
from tests.support.waiting import wait_for_count

QUESTION = "هزینه ارسال چقدره؟"


@pytest.fixture
async def tenant(pool: Pool) -> TenantId:
    return (await create_tenant(pool, "shop")).id


@pytest.fixture
async def listener(dsn: str) -> AsyncIterator[Listener]:
    one = Listener(dsn)
    await one.start()
    yield one
    await one.stop()


class FaultyEmbedder(CountingEmbedder):
    """Gives no numbers for one text, and too few vectors when told to."""

    numbless = RETURNS.title
    is_short = False

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed, but for what is wrong."""
        vectors = super().embed_passages(texts)
        for row, text in enumerate(texts):
            if self.numbless in text:
                vectors[row] = np.nan
        return vectors[1:] if self.is_short else vectors


async def test_a_text_that_makes_no_numbers_fails_alone(
    pool: Pool, tenant: TenantId, embedder: CountingEmbedder
) -> None:
    faulty = FaultyEmbedder(embedder)
    for page in PAGES:
        await add_page(pool, tenant, page)
    while await KnowledgeIndexer(pool, faulty).embed_batch():
        pass

    failed = await pool.fetch(
        "SELECT embedding_error FROM chunks WHERE embedding IS NULL"
    )
    reasons = [row["embedding_error"] for row in failed]
    assert reasons == [FailureReason.NOT_EMBEDDED]
    question = f"{SHIPPING.title}، {RETURNS.title}"
    found = await KnowledgeRetriever(pool, faulty).retrieve(tenant, question)
    assert found["performance"]["degraded"] == {}
    by_title = {chunk["title"]: chunk["dense_rank"] for chunk in found["chunks"]}
    assert by_title.pop(RETURNS.title) is None
    assert SHIPPING.title in by_title
    assert None not in by_title.values()


async def test_too_few_vectors_are_given_to_no_chunk(
    pool: Pool, tenant: TenantId, embedder: CountingEmbedder
) -> None:
    faulty = FaultyEmbedder(embedder)
    faulty.is_short = True
    await add_page(pool, tenant, SHIPPING)
    assert await KnowledgeIndexer(pool, faulty).embed_batch() == 1
    assert await count_missing(pool) == 1


async def test_a_vector_of_another_size_leaves_its_chunk_to_its_words(
    pool: Pool, tenant: TenantId, embedder: CountingEmbedder
) -> None:
    # As when the folder that the setting names holds another model now.
    for page in PAGES:
        await add_page(pool, tenant, page)
    while await KnowledgeIndexer(pool, embedder).embed_batch():
        pass
    await pool.execute(
        "UPDATE chunks SET embedding = substr(embedding, 1, 64) FROM documents d "
        "WHERE d.id = document_id AND d.title = $1",
        SHIPPING.title,
    )
    retriever = KnowledgeRetriever(pool, embedder)
    found = await retriever.retrieve(tenant, QUESTION)
    by_title = {chunk["title"]: chunk["dense_rank"] for chunk in found["chunks"]}
    assert by_title.pop(SHIPPING.title) is None
    assert None not in by_title.values()


async def test_an_edit_while_the_model_changes_keeps_what_still_serves(
    pool: Pool, tenant: TenantId, embedder: CountingEmbedder
) -> None:
    before = CountingEmbedder(embedder, "model/before")
    page = await add_page(pool, tenant, SHIPPING)
    while await KnowledgeIndexer(pool, before).embed_batch():
        pass
    await KnowledgeIndexer(pool, embedder).take_over()
    # The same words, in another source: nothing that was embedded has changed.
    moved = replace(SHIPPING, source=SourceType.MANUAL)
    await add_page(pool, tenant, moved, page)
    dependencies = RetrieverDependencies(open_embedder=lambda _: before)
    retriever = KnowledgeRetriever(pool, embedder, dependencies)
    found = await retriever.retrieve(tenant, QUESTION)
    assert [chunk["dense_rank"] for chunk in found["chunks"]] == [1]
    assert [chunk["source"] for chunk in found["chunks"]] == ["manual"]


async def test_the_indexer_outlives_an_error_that_nobody_thought_of(
    pool: Pool, listener: Listener, tenant: TenantId, embedder: CountingEmbedder
) -> None:
    class Stumbling(KnowledgeIndexer):
        has_stumbled = False

        async def embed_batch(self) -> int:
            if not self.has_stumbled:
                self.has_stumbled = True
                raise ZeroDivisionError
            return await super().embed_batch()

    indexer = Stumbling(pool, embedder)
    listener.on("pilito_knowledge", indexer.notify)
    indexer.start()
    try:
        await add_page(pool, tenant, SHIPPING)
        missing = "SELECT count(*) FROM chunks WHERE embedding IS NULL"
        await wait_for_count(pool, missing, 0, channel="pilito_knowledge")
    finally:
        await indexer.stop()


async def test_large_shops_leave_memory_before_it_is_full(
    pool: Pool, tenant: TenantId, embedder: CountingEmbedder
) -> None:
    small, other = [(await create_tenant(pool, name)).id for name in ("a", "b")]
    for page in PAGES:
        await add_page(pool, tenant, page)
    for shop in (small, other):
        await add_page(pool, shop, SHIPPING)
    indexes = TenantIndexes(pool, Embedders(embedder), max_chunks=3)

    await indexes.fetch_index(small)
    await indexes.fetch_index(other)
    assert len(indexes) == 2
    # Three chunks are all that is allowed: the two that asked before must go.
    assert len((await indexes.fetch_index(tenant)).index) == 3
    assert len(indexes) == 1
    # One too many for the others, and it is the large one that asked longest ago.
    await indexes.fetch_index(small)
    assert len(indexes) == 1


async def test_while_the_flag_asks_for_it_each_retrieval_is_logged(
    pool: Pool, tenant: TenantId, embedder: CountingEmbedder
) -> None:
    await add_page(pool, tenant, SHIPPING)
    is_on = True
    dependencies = RetrieverDependencies(options=lambda: RagOptions(debug=is_on))
    retriever = KnowledgeRetriever(pool, embedder, dependencies)
    with capture_logs() as lines:
        found = await retriever.retrieve(tenant, QUESTION)
        is_on = False
        await retriever.retrieve(tenant, QUESTION)
    (line,) = [line for line in lines if line["event"] == "retrieval"]
    assert line["query_chars"] == len(QUESTION)
    assert QUESTION not in str(line)
    assert line["performance"] == found["performance"]
    assert [one["chunk_id"] for one in line["candidates"]] == [
        chunk["chunk_id"] for chunk in found["chunks"]
    ]


async def test_predecessor_faults_g5_a_model_that_hangs_leaves_keyword_search(
    pool: Pool, embedder: CountingEmbedder
) -> None:
    tenant = (await create_tenant(pool, "shop")).id
    await add_page(pool, tenant, SHIPPING)
    go_on = threading.Event()
    asked: list[Sequence[str]] = []

    class HangingEmbedder(CountingEmbedder):
        """Takes each question and gives nothing back."""

        def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
            """Wait until told."""
            asked.append(texts)
            assert go_on.wait(timeout=60)
            return super().embed_queries(texts)

    hanging = HangingEmbedder(embedder)
    dependencies = RetrieverDependencies(embedding_timeout_s=1.0)
    retriever = KnowledgeRetriever(pool, hanging, dependencies)
    await retriever.warm_up()
    # The second does not wait for what the first has waited for in vain.
    await retriever.retrieve(tenant, "هزینه ارسال")
    found = await retriever.retrieve(tenant, "هزینه ارسال")
    assert found["performance"]["degraded"] == {"dense": "EmbeddingError"}
    assert found["chunks"][0]["title"] == SHIPPING.title
    assert len(asked) == 1
    go_on.set()
    while found["performance"]["degraded"]:
        found = await retriever.retrieve(tenant, "هزینه ارسال")
