"""Answers that the Retriever composes: slim, counted, limited, and by words alone."""

import pickle

import pytest
from structlog.testing import capture_logs

from deployments.answers.answer_draft import AnswerDraft, describe
from deployments.answers.indexing.indexer import KnowledgeIndexer
from deployments.answers.retriever import KnowledgeRetriever
from persistence.database import Pool
from persistence.ids import TenantId
from persistence.tenants import create_tenant
from retrieval.answer.drafts import DraftAct
from retrieval.dialogue.turns import Burst
from retrieval.errors import SearchFailedError
from retrieval.index.knowledge import EVERYTHING, RetrievalFilter, SourceType
from retrieval.text.language import Language
from tests.support.knowledge import (
    PAGES,
    SHIPPING,
    SHIPPING_FEE,
    CountingEmbedder,
    add_page,
)

QUESTION = "هزینه‌ی ارسال با پست چقدر است؟"


@pytest.fixture
async def tenant(pool: Pool, embedder: CountingEmbedder) -> TenantId:
    tenant_id = (await create_tenant(pool, "shop")).id
    for page in PAGES:
        await add_page(pool, tenant_id, page)
    while await KnowledgeIndexer(pool, embedder).embed_batch():
        pass
    return tenant_id


@pytest.fixture
async def retriever(pool: Pool, embedder: CountingEmbedder) -> KnowledgeRetriever:
    retriever = KnowledgeRetriever(pool, embedder)
    await retriever.warm_up()
    return retriever


async def ask(
    retriever: KnowledgeRetriever,
    tenant: TenantId,
    text: str = QUESTION,
    only: RetrievalFilter = EVERYTHING,
) -> AnswerDraft:
    return await retriever.answer(tenant, Burst((text,)), (), Language.FA, only=only)


async def test_a_draft_travels_light(
    retriever: KnowledgeRetriever, tenant: TenantId
) -> None:
    draft = await ask(retriever, tenant)
    packed = pickle.dumps(draft)
    assert pickle.loads(packed) == draft  # noqa: S301 - our own
    assert len(packed) < 8_192
    assert draft.text == SHIPPING_FEE
    (cited,) = draft.citations
    assert (cited.title, cited.text) == (SHIPPING.title, SHIPPING_FEE)
    assert (cited.source_type, cited.url) == ("faq", None)
    assert draft.chunk_id == cited.chunk_id == draft.candidates[0].chunk_id
    assert draft.candidates[0].score == cited.score
    assert draft.degraded == {}
    assert draft.search_ms > 0
    assert describe(draft)["questions"] == [{"text": draft.question}]


async def test_an_embedder_that_fails_leaves_words_and_is_named(
    retriever: KnowledgeRetriever, tenant: TenantId, embedder: CountingEmbedder
) -> None:
    embedder.failure = MemoryError()
    draft = await ask(retriever, tenant)
    assert draft.text == SHIPPING_FEE
    assert draft.degraded == {"embedder": "MemoryError"}


async def test_small_talk_needs_no_embedder(
    retriever: KnowledgeRetriever, tenant: TenantId, embedder: CountingEmbedder
) -> None:
    embedder.failure = MemoryError()
    with capture_logs() as lines:
        draft = await ask(retriever, tenant, "سلام، خسته نباشید")
    assert draft.act is DraftAct.SMALL_TALK
    assert draft.degraded == {}
    assert not any("embedder" in line["event"] for line in lines)


async def test_a_search_can_be_limited(
    retriever: KnowledgeRetriever, tenant: TenantId
) -> None:
    only = RetrievalFilter(sources=[SourceType.MANUAL])
    draft = await ask(retriever, tenant, only=only)
    assert draft.citations == ()
    assert len(draft.candidates) == 1


async def test_a_search_that_fails_altogether_is_an_error(
    retriever: KnowledgeRetriever,
    tenant: TenantId,
    embedder: CountingEmbedder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    embedder.failure = MemoryError()

    def fail(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(
        "retrieval.index.knowledge_index.KnowledgeIndex._search_sparse", fail
    )
    with pytest.raises(SearchFailedError):
        await ask(retriever, tenant)
