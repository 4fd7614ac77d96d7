"""The baseline from question to context, on a cheap embedder."""

import json
from itertools import count

import pytest

from retrieval.answer.retrieved import RetrievedContext
from retrieval.context_retriever import ContextRetriever
from retrieval.embedding.embedder import Embedder
from retrieval.errors import EmbeddingError
from retrieval.index.knowledge import SourceType
from retrieval.index.knowledge_index import KnowledgeIndex
from tests.unit.retrieval.samples import (
    DIMENSIONS,
    WITHOUT_WORDS,
    BrokenEmbedder,
    GramEmbedder,
    a_chunk,
)

SHIPPING = a_chunk("ship", "هزینه ارسال", "ارسال با پست ۴۵ هزار تومان است.")
COAT = a_chunk("coat", "پالتو برفین", "هزینه پالتو ۳ میلیون است.", SourceType.PRODUCTS)
ABOUT = a_chunk("about", "درباره ما", "ارسال شادی کار ماست.", SourceType.WEBSITE)


def build_retriever(
    embedder: Embedder, context_top_k: int = 8
) -> ContextRetriever[str]:
    ours, theirs = KnowledgeIndex(DIMENSIONS), KnowledgeIndex(DIMENSIONS)
    ours.apply([SHIPPING, COAT, ABOUT])
    ticks = count()
    return ContextRetriever(
        {"ours": ours, "theirs": theirs}.__getitem__,
        embedder,
        lambda: next(ticks) / 1000,
        context_top_k=context_top_k,
    )


def retrieve(
    retriever: ContextRetriever[str],
    query: str = "هزینه ارسال",
    user: str = "ours",
    budgets: tuple[int, int] = (100, 100),
) -> RetrievedContext:
    secondary = [SourceType.PRODUCTS, SourceType.MANUAL, SourceType.FAQ]
    return retriever.retrieve_context(query, user, SourceType.FAQ, secondary, *budgets)


def test_both_contexts_are_filled_and_numbered_through() -> None:
    found = retrieve(build_retriever(GramEmbedder()))
    assert found["primary_context"] == (
        "[1] هزینه ارسال\nارسال با پست ۴۵ هزار تومان است."
    )
    assert found["secondary_context"] == "[2] پالتو برفین\nهزینه پالتو ۳ میلیون است."
    assert [source["number"] for source in found["sources_used"]] == [1, 2]
    assert found["sources_used"][0]["document_id"] == str(SHIPPING.document_id)
    assert found["total_chunks"] == 2
    assert found["retrieval_method"] == "context_retriever"


def test_a_source_that_was_not_asked_for_is_not_searched() -> None:
    found = retrieve(build_retriever(GramEmbedder()), "ارسال شادی")
    assert str(ABOUT.chunk_id) not in {chunk["chunk_id"] for chunk in found["chunks"]}


def test_chunks_are_ranked_and_carry_their_scores() -> None:
    best = retrieve(build_retriever(GramEmbedder()))["chunks"][0]
    assert (best["title"], best["source"]) == ("هزینه ارسال", "faq")
    assert best["score"] == pytest.approx(1.0)
    assert best["dense_similarity"] is not None
    assert best["sparse_score"] is not None


def test_stages_are_timed_and_counted() -> None:
    performance = retrieve(build_retriever(GramEmbedder()))["performance"]
    # The timer ticks a millisecond at each of its four readings.
    assert performance["latency_ms"] == pytest.approx(3.0)
    assert performance["embedding_ms"] == pytest.approx(1.0)
    assert performance["search_ms"] == pytest.approx(1.0)
    assert performance["context_ms"] == pytest.approx(1.0)
    assert performance["reranking_used"] is False
    assert 0 <= performance["query_complexity"] <= 1
    assert performance["fused_candidates"] == 2
    assert performance["degraded"] == {}


def test_each_context_keeps_its_own_budget() -> None:
    retriever = build_retriever(GramEmbedder())
    found = retrieve(retriever, budgets=(0, 100))
    assert found["primary_context"] == ""
    assert found["secondary_context"].startswith("[1] پالتو")
    assert retrieve(retriever, budgets=(0, 0))["total_chunks"] == 0


def test_only_the_first_chunks_speak() -> None:
    found = retrieve(build_retriever(GramEmbedder(), context_top_k=1))
    assert found["total_chunks"] == 1
    assert len(found["chunks"]) == 2


def test_predecessor_fault_g5_a_failing_embedder_leaves_keyword_search() -> None:
    found = retrieve(build_retriever(BrokenEmbedder()))
    assert found["chunks"][0]["chunk_id"] == str(SHIPPING.chunk_id)
    assert found["performance"]["degraded"] == {"dense": "EmbeddingError"}
    assert found["relevance"] > 0.5


def test_warming_up_tells_of_a_model_that_does_not_answer() -> None:
    build_retriever(GramEmbedder()).warm_up()
    with pytest.raises(EmbeddingError):
        build_retriever(BrokenEmbedder()).warm_up()


def test_a_tenant_without_knowledge_gets_an_empty_and_irrelevant_context() -> None:
    found = retrieve(build_retriever(GramEmbedder()), user="theirs")
    assert (found["primary_context"], found["chunks"]) == ("", [])
    assert found["relevance"] == 0.0


@pytest.mark.parametrize("question", WITHOUT_WORDS)
def test_a_question_without_words_finds_nothing(question: str) -> None:
    found = retrieve(build_retriever(GramEmbedder()), question)
    assert (found["chunks"], found["relevance"]) == ([], 0.0)
    assert found["performance"]["degraded"] == {}


def test_the_result_is_plain_values() -> None:
    found = retrieve(build_retriever(GramEmbedder()))
    assert json.loads(json.dumps(found)) == found
