"""What real retrievals leave in `/metrics`."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from deployments.answers.indexing.indexer import KnowledgeIndexer
from deployments.answers.rag_metrics import RAGMetrics
from deployments.answers.retriever import FACTS, KnowledgeRetriever
from deployments.health.exposition import delete_dead_gauges, render_metrics
from persistence.database import Pool
from persistence.ids import TenantId
from persistence.tenants import create_tenant
from persistence.users import User
from retrieval.dialogue.turns import Burst
from retrieval.errors import RetrievalError
from retrieval.index.knowledge import SourceType
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.text.language import Language
from tests.support.api import Api, EmptyRetriever, connect
from tests.support.knowledge import PAGES, CountingEmbedder, add_page

QUESTION = "هزینه ارسال چقدره؟"
METHOD = "context_retriever"
AT_ONCE = timedelta(0)
NOBODY = UUID(int=0)


@pytest.fixture
async def tenant(pool: Pool, embedder: CountingEmbedder) -> TenantId:
    tenant_id = (await create_tenant(pool, "shop")).id
    for page in PAGES:
        await add_page(pool, tenant_id, page)
    while await KnowledgeIndexer(pool, embedder).embed_batch():
        pass
    return tenant_id


@pytest.fixture
async def counted(app: FastAPI) -> AsyncIterator["Counted"]:
    # Of this machine: strangers see no metrics.
    async with connect(app, address="127.0.0.1") as client:
        counted = Counted(client)
        await counted.read()
        yield counted


class Counted:
    """What `/metrics` has counted since the test began: other tests count, too."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._before: dict[str, float] = {}
        self._now: dict[str, float] = {}

    async def read(self) -> None:
        """Read `/metrics`; the first reading is the beginning."""
        text = (await self._client.get("/metrics")).text
        self._now = {
            f"{sample.name}{sorted(sample.labels.items())}": sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
        self._before = self._before or self._now

    def since(self, name: str, **labels: str) -> float:
        """Return how much a sample has grown."""
        key = f"{name}{sorted(labels.items())}"
        return self._now.get(key, 0.0) - self._before.get(key, 0.0)


async def test_a_retrieval_is_counted_with_its_method_and_source(
    pool: Pool, tenant: TenantId, embedder: CountingEmbedder, counted: Counted
) -> None:
    retriever = KnowledgeRetriever(pool, embedder)
    found = await retriever.retrieve(tenant, QUESTION)
    await counted.read()

    primary = {"method": METHOD, "primary_source": "faq"}
    assert counted.since("rag_retrieval_total", **primary) == 1
    latency = "rag_retrieval_latency_seconds"
    assert counted.since(f"{latency}_count", method=METHOD) == 1
    assert counted.since(f"{latency}_sum", method=METHOD) == pytest.approx(
        found["performance"]["latency_ms"] / 1000
    )
    assert counted.since("rag_query_complexity_count") == 1
    assert counted.since("rag_query_complexity_sum") == pytest.approx(
        found["performance"]["query_complexity"]
    )
    shown = [used["source"] for used in found["sources_used"]]
    assert shown.count("faq") == 2
    assert shown.count("manual") == 1
    for source, count in (("faq", 2), ("manual", 1)):
        labels = {"method": METHOD, "source": source}
        assert counted.since("rag_chunks_retrieved_count", **labels) == 1
        assert counted.since("rag_chunks_retrieved_sum", **labels) == count
        assert counted.since("rag_chunk_scores_count", source=source) == count
    assert counted.since("rag_reranking_total", model="base") == 0


async def test_a_composed_answer_is_counted_by_its_own_method(
    pool: Pool, tenant: TenantId, embedder: CountingEmbedder, counted: Counted
) -> None:
    retriever = KnowledgeRetriever(pool, embedder)
    await retriever.warm_up()
    embedder.failure = MemoryError()
    for text in (QUESTION, "سلام"):  # a greeting is no search
        await retriever.answer(tenant, Burst((text,)), (), Language.FA)
    await counted.read()
    primary = {"method": FACTS, "primary_source": "faq"}
    assert counted.since("rag_retrieval_total", **primary) == 1
    assert counted.since("rag_retrieval_latency_seconds_count", method=FACTS) == 1
    failed = {"method": FACTS, "error_type": "MemoryError"}
    assert counted.since("rag_errors_total", **failed) == 1
    assert counted.since("rag_chunks_retrieved_sum", method=FACTS, source="faq") == 1


async def test_a_source_that_gave_nothing_counts_as_nothing(
    pool: Pool, embedder: CountingEmbedder, counted: Counted
) -> None:
    empty = (await create_tenant(pool, "empty")).id
    await KnowledgeRetriever(pool, embedder).retrieve(empty, QUESTION)
    await counted.read()
    labels = {"method": METHOD, "source": "faq"}
    assert counted.since("rag_chunks_retrieved_count", **labels) == 1
    assert counted.since("rag_chunks_retrieved_sum", **labels) == 0


async def test_predecessor_faults_m1_an_arm_that_fails_is_an_error_that_is_counted(
    pool: Pool, tenant: TenantId, embedder: CountingEmbedder, counted: Counted
) -> None:
    retriever = KnowledgeRetriever(pool, embedder)
    await retriever.warm_up()
    embedder.failure = MemoryError()
    await retriever.retrieve(tenant, QUESTION)
    await counted.read()
    failed = {"method": METHOD, "error_type": "MemoryError"}
    assert counted.since("rag_errors_total", **failed) == 1
    primary = {"method": METHOD, "primary_source": "faq"}
    assert counted.since("rag_retrieval_total", **primary) == 1


async def test_predecessor_faults_m1_a_retrieval_that_fails_is_counted(
    pool: Pool,
    tenant: TenantId,
    embedder: CountingEmbedder,
    counted: Counted,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_index: KnowledgeIndex, _query: str) -> None:
        raise ZeroDivisionError

    retriever = KnowledgeRetriever(pool, embedder)
    await retriever.retrieve(tenant, QUESTION)
    await counted.read()
    embedder.failure = MemoryError()
    monkeypatch.setattr("retrieval.index.bm25.Bm25Index.scores", fail)
    with pytest.raises(RetrievalError):
        await retriever.retrieve(tenant, QUESTION)
    before = counted.since("rag_retrieval_total", method=METHOD, primary_source="faq")
    await counted.read()
    after = counted.since("rag_retrieval_total", method=METHOD, primary_source="faq")
    assert after - before == 1
    failed = {"method": METHOD, "error_type": "SearchFailedError"}
    assert counted.since("rag_errors_total", **failed) == 1
    # Nothing was found, so nothing has a latency.
    latency = "rag_retrieval_latency_seconds_count"
    assert counted.since(latency, method=METHOD) == before


async def test_predecessor_faults_m1_a_search_without_its_database_is_counted(
    dsn: str, tenant: TenantId, embedder: CountingEmbedder, counted: Counted
) -> None:
    lost = await asyncpg.create_pool(dsn, min_size=1)
    await lost.close()
    await counted.read()
    with pytest.raises(asyncpg.InterfaceError):
        await KnowledgeRetriever(lost, embedder).retrieve(tenant, QUESTION)
    await counted.read()
    failed = {"method": METHOD, "error_type": "InterfaceError"}
    assert counted.since("rag_errors_total", **failed) == 1
    primary = {"method": METHOD, "primary_source": "faq"}
    assert counted.since("rag_retrieval_total", **primary) == 1


async def test_predecessor_faults_m1_a_reranking_is_counted_by_its_model(
    counted: Counted,
) -> None:
    found = await EmptyRetriever().retrieve(TenantId(NOBODY), QUESTION)
    found["retrieval_method"] = "production_rag"
    found["performance"]["reranking_used"] = True
    found["performance"]["reranking_ms"] = 250.0
    found["performance"]["rerank_model"] = "base"
    RAGMetrics.record_retrieval(found, SourceType.PRODUCTS)
    await counted.read()
    assert counted.since("rag_reranking_total", model="base") == 1
    assert counted.since("rag_reranking_latency_seconds_sum", model="base") == 0.25
    primary = {"method": "production_rag", "primary_source": "products"}
    assert counted.since("rag_retrieval_total", **primary) == 1


def test_the_active_model_is_the_last_one() -> None:
    for value in ("base", "large", "large"):
        RAGMetrics.set_active_model("reranker", value)
    labels = {"component": "reranker"}
    name = "rag_active_model"
    assert REGISTRY.get_sample_value(name, labels | {"value": "large"}) == 1
    assert REGISTRY.get_sample_value(name, labels | {"value": "base"}) == 0


def test_what_a_process_worked_with_ends_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    program = (
        "from deployments.answers.rag_metrics import RAGMetrics;"
        "from config.metrics import RAG_ERRORS;"
        "RAGMetrics.set_active_model('reranker', 'base');"
        "RAG_ERRORS.labels('production_rag', 'MemoryError').inc();"
        "from deployments.health.exposition import render_metrics;"
        "print(render_metrics().decode())"
    )
    text = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    active = 'rag_active_model{component="reranker",value="base"} 1.0'
    assert active in text
    after = render_metrics().decode()
    assert active not in after
    error = 'rag_errors_total{error_type="MemoryError",method="production_rag"} 1.0'
    assert error in after
    delete_dead_gauges(tmp_path / "nowhere")


async def test_the_sums_are_read_once_in_a_while(
    pool: Pool, tenant: TenantId, embedder: CountingEmbedder
) -> None:
    retriever = KnowledgeRetriever(pool, embedder)
    await retriever.retrieve(tenant, QUESTION)
    before = RAGMetrics.get_cached_metrics(AT_ONCE)
    await asyncio.gather(*(retriever.retrieve(tenant, QUESTION) for _ in range(2)))
    assert RAGMetrics.get_cached_metrics(timedelta(hours=1)) is before
    after = RAGMetrics.get_cached_metrics(AT_ONCE)

    mine, was = after["methods"][METHOD], before["methods"][METHOD]
    assert mine["retrievals"] - was["retrievals"] == 2
    assert mine["errors"] == was["errors"]
    assert mine["error_rate"] == mine["errors"] / mine["retrievals"]
    assert mine["latency_avg_ms"] > 0
    assert 0 < mine["under_2s"] <= 1
    assert 0 < mine["chunks_avg"] <= 8
    assert 0 < after["query_complexity_avg"] < 1


async def test_without_a_cross_encoder_a_roll_out_is_not_full_of_errors(
    counted: Counted,
) -> None:
    before = RAGMetrics.get_cached_metrics(AT_ONCE)["methods"].get("production_rag")
    found = await EmptyRetriever().retrieve(TenantId(NOBODY), QUESTION)
    found["retrieval_method"] = "production_rag"
    found["performance"]["degraded"] = {"reranker": "RerankerUnavailableError"}
    await counted.read()
    RAGMetrics.record_retrieval(found, SourceType.FAQ)
    await counted.read()
    labels = {"method": "production_rag", "error_type": "RerankerUnavailableError"}
    assert counted.since("rag_errors_total", **labels) == 1
    after = RAGMetrics.get_cached_metrics(AT_ONCE)["methods"]["production_rag"]
    assert after["errors"] == (0 if before is None else before["errors"])


async def test_a_superuser_sees_how_each_method_does(
    api: Api, pool: Pool, tenant: TenantId, embedder: CountingEmbedder
) -> None:
    await KnowledgeRetriever(pool, embedder).retrieve(tenant, QUESTION)
    RAGMetrics.get_cached_metrics(AT_ONCE)
    root: User = await api.add_user("root", is_superuser=True)
    async with connect(api.build(), root) as client:
        answer = await client.get("/api/flags/metrics/")
    assert answer.status_code == 200
    assert answer.json() == RAGMetrics.get_cached_metrics()
    assert answer.json()["methods"][METHOD]["retrievals"] >= 1
