"""A search with a true cross-encoder, from the question to the metrics."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from deployments.answers.indexing.indexer import KnowledgeIndexer
from deployments.answers.retriever import (
    KnowledgeRetriever,
    RetrieverDependencies,
    Variant,
)
from persistence.database import Pool
from persistence.ids import ConversationId, TenantId
from persistence.tenants import create_tenant
from retrieval.cross_encoder.runtime import FullCrossEncoder
from retrieval.ranking.reranking import RerankResult
from tests.support.cross_encoders import make_question
from tests.support.knowledge import CountingEmbedder, Page, add_page

# torch, an embedder, and two busy cores
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

MODEL = "overlap"


class LocalReranker:
    """The cross-encoder in this process instead of in the pool's."""

    def __init__(self, folder: Path) -> None:
        self._model = FullCrossEncoder(folder, threads=1)

    async def rerank(
        self, query: str, passages: Sequence[str], *, model: str
    ) -> RerankResult:
        """Score the passages."""
        assert model == "base"
        scores = self._model.score([(query, passage) for passage in passages])
        return RerankResult((*map(float, scores),), MODEL)


async def always_new(_: TenantId, __: ConversationId | None) -> Variant:
    return Variant.PRODUCTION_RAG


def count(sample: str) -> float:
    return REGISTRY.get_sample_value(sample, {"model": MODEL}) or 0.0


async def test_predecessor_faults_m1_a_true_cross_encoder_orders_and_is_counted(
    pool: Pool, embedder: CountingEmbedder, cross_encoder_dir: Path
) -> None:
    tenant = (await create_tenant(pool, "shop")).id
    dice = random.Random(7)  # noqa: S311  # a test's words are no secret
    question = make_question(dice, n_passages=8)
    for number, passage in enumerate(question.passages):
        await add_page(pool, tenant, Page(str(number), passage))
    while await KnowledgeIndexer(pool, embedder).embed_batch():
        pass
    dependencies = RetrieverDependencies(
        always_new, reranker=LocalReranker(cross_encoder_dir)
    )
    retriever = KnowledgeRetriever(pool, embedder, dependencies)
    before = count("rag_reranking_total")

    found = await retriever.retrieve(tenant, question.query)

    assert found["performance"]["reranking_used"], found["performance"]
    assert count("rag_reranking_total") - before == 1
    assert count("rag_reranking_latency_seconds_count") >= 1
    overlaps = dict(zip(question.passages, question.overlaps, strict=True))
    read = [one for one in found["chunks"] if one.get("rerank_score") is not None]
    assert len(read) == found["performance"]["reranked_candidates"] > 1
    assert overlaps[read[0]["text"]] == 3
    scores = [one["rerank_score"] for one in read]
    assert scores == sorted(scores, reverse=True)
