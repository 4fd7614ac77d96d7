"""The whole retrieval from question to context, on a cheap embedder."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import count

import pytest

from retrieval.answer.retrieved import RetrievedContext
from retrieval.embedding.embedder import Embedder
from retrieval.errors import RerankerUnavailableError, SearchFailedError
from retrieval.index.bm25 import Bm25Index
from retrieval.index.hits import FusionOrder, RetrievalFilter
from retrieval.index.knowledge import SourceType
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.production_rag import ProductionRAG, RagOptions, Rerank
from retrieval.ranking.reranking import RerankResult
from tests.unit.retrieval.index.test_knowledge_index import FailingBm25
from tests.unit.retrieval.samples import (
    DIMENSIONS,
    WITHOUT_WORDS,
    BrokenEmbedder,
    GramEmbedder,
    NumblessEmbedder,
    a_chunk,
    an_id,
)

SHIPPING = a_chunk("ship", "هزینه ارسال", "ارسال با پست ۴۵ هزار تومان است.")
TRACKING = a_chunk("track", "رهگیری ارسال", "کد رهگیری ارسال پیامک می‌شود.")
COAT = a_chunk("coat", "پالتو برفین", "هزینه پالتو ۳ میلیون است.", SourceType.PRODUCTS)
ABOUT = a_chunk("about", "درباره ما", "ارسال شادی کار ماست.", SourceType.WEBSITE)
QUESTION = "هزینه ارسال"


class FakeCrossEncoder:
    """Likes the passages that hold a word, and remembers what it was asked."""

    def __init__(self, word: str) -> None:
        self.word = word
        self.asked: list[tuple[str, Sequence[str], str]] = []

    def __call__(self, query: str, passages: Sequence[str], model: str) -> RerankResult:
        """Score 1 where the word is."""
        self.asked.append((query, passages, model))
        scores = tuple(float(self.word in passage) for passage in passages)
        return RerankResult(scores, f"fake-{model}")


def build_rag(
    embedder: Embedder | None = None,
    *,
    options: RagOptions | None = None,
    rerank: Rerank | None = None,
    sparse: Bm25Index | None = None,
) -> ProductionRAG[str]:
    ours = KnowledgeIndex(DIMENSIONS, sparse=sparse)
    ours.apply([SHIPPING, TRACKING, COAT, ABOUT])
    ticks = count()
    chosen = options or RagOptions()
    return ProductionRAG(
        {"ours": ours, "theirs": KnowledgeIndex(DIMENSIONS)}.__getitem__,
        embedder or GramEmbedder(),
        lambda: next(ticks) / 1000,
        options=lambda: chosen,
        rerank=rerank,
    )


def retrieve(
    rag: ProductionRAG[str],
    query: str = QUESTION,
    user: str = "ours",
    budgets: tuple[int, int] = (100, 100),
) -> RetrievedContext:
    return rag.retrieve_context(
        query, user, SourceType.FAQ, [SourceType.PRODUCTS], *budgets
    )


def test_it_returns_what_the_baseline_returns_and_how_it_came_to_it() -> None:
    found = retrieve(build_rag())
    assert found["primary_context"].startswith("[1] هزینه ارسال\nارسال با پست ۴۵")
    assert found["secondary_context"] == "[3] پالتو برفین\nهزینه پالتو ۳ میلیون است."
    assert [used["number"] for used in found["sources_used"]] == [1, 2, 3]
    assert found["total_chunks"] == 3
    assert found["retrieval_method"] == "production_rag"
    assert json.loads(json.dumps(found)) == found


def test_every_stage_is_timed_and_counted() -> None:
    performance = retrieve(build_rag())["performance"]
    # The timer ticks a millisecond at each of its readings, one between two stages.
    assert performance["latency_ms"] == pytest.approx(5.0)
    for stage in (
        performance["analysis_ms"],
        performance["embedding_ms"],
        performance["search_ms"],
        performance["context_ms"],
    ):
        assert stage == pytest.approx(1.0)
    assert performance["dense_candidates"] == 3
    assert performance["sparse_candidates"] == 3
    assert performance["fused_candidates"] == 3
    assert performance["degraded"] == {}


def test_each_retriever_gives_as_many_as_its_flag_says() -> None:
    many = [a_chunk(f"c{i}", f"ارسال {i}", f"ارسال شماره {i}") for i in range(60)]
    index = KnowledgeIndex(DIMENSIONS)
    index.apply(many)
    rag: ProductionRAG[None] = ProductionRAG(
        lambda _: index, GramEmbedder(), lambda: 0.0
    )
    found = rag.retrieve_context("ارسال", None)
    assert found["performance"]["dense_candidates"] == 20
    assert found["performance"]["sparse_candidates"] == 15
    assert found["performance"]["fused_candidates"] == 20
    assert len({chunk["chunk_id"] for chunk in found["chunks"]}) == 20
    assert 5 <= found["total_chunks"] <= 8


def test_the_intent_decides_what_the_caller_leaves_open() -> None:
    found = build_rag().retrieve_context("قیمت و سایز پالتو چنده؟", "ours")
    assert found["analysis"]["intent"] == "product"
    assert found["analysis"]["primary_source"] == "products"
    assert found["analysis"]["language"] == "fa"
    assert "[1] پالتو برفین" in found["primary_context"]
    decided = retrieve(build_rag(), "قیمت و سایز پالتو چنده؟")
    assert decided["analysis"]["primary_source"] == "faq"


def test_chunks_of_one_parent_take_one_place() -> None:
    first = a_chunk("p1", "راهنما", "سایز را با متر اندازه بگیرید.")
    second = replace(a_chunk("p2", "راهنما", "سایز شلوار."), parent_id=first.parent_id)
    index = KnowledgeIndex(DIMENSIONS)
    index.apply([first, second, SHIPPING])
    rag: ProductionRAG[None] = ProductionRAG(
        lambda _: index, GramEmbedder(), lambda: 0.0
    )
    found = rag.retrieve_context("سایز شلوار", None)
    assert found["performance"]["dense_candidates"] == 2
    assert found["chunks"][0]["chunk_id"] == str(second.chunk_id)
    assert str(first.chunk_id) not in {chunk["chunk_id"] for chunk in found["chunks"]}


def test_filters_apply_before_the_best_are_chosen() -> None:
    index = KnowledgeIndex(DIMENSIONS)
    index.apply([SHIPPING, replace(TRACKING, tags=frozenset({"کد"})), COAT])
    rag: ProductionRAG[None] = ProductionRAG(
        lambda _: index,
        GramEmbedder(),
        lambda: 0.0,
        options=lambda: RagOptions(dense_top_k=1, sparse_top_k=1),
    )
    tagged = rag.retrieve_context(QUESTION, None, only=RetrievalFilter(tags=["کد"]))
    assert [chunk["title"] for chunk in tagged["chunks"]] == ["رهگیری ارسال"]
    one = RetrievalFilter(documents=[COAT.document_id, an_id("unknown")])
    of_document = rag.retrieve_context(QUESTION, None, only=one)
    assert [chunk["title"] for chunk in of_document["chunks"]] == ["پالتو برفین"]


def test_a_shares_caption_is_searched_with_the_question() -> None:
    found = build_rag().retrieve_context("چنده؟", "ours", share="پالتو برفین")
    assert found["chunks"][0]["title"] == "پالتو برفین"
    assert found["searched_text"] == "چنده؟\nپالتو برفین"


def test_a_share_that_only_disturbs_is_left_out() -> None:
    share = "سحابی جبار در شب‌های زمستان دیده می‌شود"
    found = build_rag().retrieve_context(QUESTION, "ours", share=share)
    alone = build_rag().retrieve_context(QUESTION, "ours")
    assert found["searched_text"] == QUESTION
    assert found["chunks"] == alone["chunks"]


def test_a_link_is_read_for_what_it_names_and_left_out_where_it_disturbs() -> None:
    coat = "این چنده؟ https://narvan.example/p/پالتو-برفین?ref=1"
    found = build_rag().retrieve_context(coat, "ours")
    assert found["chunks"][0]["title"] == "پالتو برفین"
    assert found["searched_text"] == "این چنده؟\np پالتو برفین"
    shipping = f"{QUESTION} https://narvan.example/p/%D8%B3%D8%AD%D8%A7%D8%A8%DB%8C"
    found = build_rag().retrieve_context(shipping, "ours")
    assert found["searched_text"] == QUESTION


def test_predecessor_fault_g2_the_reranker_orders_and_empties_nothing() -> None:
    encoder = FakeCrossEncoder("رهگیری")
    found = retrieve(build_rag(rerank=encoder), "ارسال")
    assert found["chunks"][0]["title"] == "رهگیری ارسال"
    assert found["chunks"][0]["rerank_score"] == 1.0
    assert found["primary_context"].startswith("[1] رهگیری ارسال")
    assert found["performance"]["reranking_used"]
    assert found["performance"]["rerank_model"] == "fake-base"
    assert found["performance"]["reranking_ms"] == pytest.approx(1.0)
    # The third could not win: it was not read, and is there all the same.
    assert found["performance"]["reranked_candidates"] == 2
    assert [one.get("rerank_score") for one in found["chunks"]] == [1.0, 0.0, None]
    ((query, passages, model),) = encoder.asked
    assert (query, model) == ("ارسال", "base")
    assert passages[0].splitlines()[0] in {"هزینه ارسال", "رهگیری ارسال"}


def test_only_the_best_after_reranking_speak() -> None:
    options = RagOptions(rerank_top_k=1)
    rag = build_rag(options=options, rerank=FakeCrossEncoder("رهگیری"))
    found = retrieve(rag, "ارسال")
    assert found["total_chunks"] == 1
    assert found["primary_context"].startswith("[1] رهگیری ارسال")


def test_what_is_settled_is_not_reranked() -> None:
    encoder = FakeCrossEncoder("پالتو")
    found = retrieve(build_rag(rerank=encoder), "هزینه ارسال با پست")
    assert encoder.asked == []
    assert found["performance"]["rerank_skipped"] == "settled"
    assert not found["performance"]["reranking_used"]


def test_reranking_can_be_switched_off() -> None:
    options = RagOptions(cross_encoder_reranking=False)
    rag = build_rag(options=options, rerank=FakeCrossEncoder("پالتو"))
    assert retrieve(rag, "ارسال")["performance"]["rerank_skipped"] == "off"


def test_a_missing_reranker_leaves_the_fused_order_and_is_told() -> None:
    def unavailable(_: str, __: Sequence[str], model: str) -> RerankResult:
        raise RerankerUnavailableError(model)

    found = retrieve(build_rag(rerank=unavailable), "ارسال")
    plain = retrieve(build_rag(), "ارسال")
    assert found["chunks"] == plain["chunks"]
    assert found["primary_context"] == plain["primary_context"]
    assert found["performance"]["degraded"] == {"reranker": "RerankerUnavailableError"}


@pytest.mark.parametrize("scores", [(math.nan, 1.0), (math.inf, 0.0), (1.0,), ()])
def test_scores_that_make_no_order_leave_the_fused_one_and_are_told(
    scores: tuple[float, ...],
) -> None:
    # A model that runs over gives what is no number, and what has no form in JSON.
    rag = build_rag(rerank=lambda *_: RerankResult(scores, "fake"))
    found, plain = retrieve(rag, "ارسال"), retrieve(build_rag(), "ارسال")
    assert found["chunks"] == plain["chunks"]
    assert found["primary_context"] == plain["primary_context"]
    assert found["performance"]["degraded"].keys() == {"reranker"}
    assert json.dumps(found, allow_nan=False)


def test_predecessor_fault_g4_tokens_are_counted_and_budgets_kept() -> None:
    # Under heads of three words each, the texts have seven and five.
    assert retrieve(build_rag(), budgets=(10, 0))["total_chunks"] == 1
    assert retrieve(build_rag(), budgets=(17, 0))["total_chunks"] == 1
    assert retrieve(build_rag(), budgets=(18, 0))["total_chunks"] == 2
    assert retrieve(build_rag(), budgets=(7, 0))["total_chunks"] == 0
    found = retrieve(build_rag(), budgets=(0, 100))
    assert found["primary_context"] == ""
    assert found["secondary_context"].startswith("[1] پالتو")


def test_predecessor_fault_g5_a_failing_embedder_leaves_keyword_search() -> None:
    found = retrieve(build_rag(BrokenEmbedder()))
    assert found["chunks"][0]["chunk_id"] == str(SHIPPING.chunk_id)
    assert found["performance"]["degraded"] == {"dense": "EmbeddingError"}


def test_vectors_that_are_no_numbers_leave_keyword_search() -> None:
    found = retrieve(build_rag(NumblessEmbedder()))
    assert found["chunks"][0]["chunk_id"] == str(SHIPPING.chunk_id)
    assert found["performance"]["degraded"] == {"dense": "EmbeddingError"}


def test_a_failing_sparse_index_leaves_meaning() -> None:
    found = retrieve(build_rag(sparse=FailingBm25()))
    assert found["chunks"][0]["chunk_id"] == str(SHIPPING.chunk_id)
    assert found["performance"]["degraded"] == {"sparse": "MemoryError"}


def test_two_failing_indexes_are_an_error_and_not_an_empty_answer() -> None:
    with pytest.raises(SearchFailedError):
        retrieve(build_rag(BrokenEmbedder(), sparse=FailingBm25()))


def test_the_order_of_rrf_can_be_asked_for() -> None:
    found = retrieve(build_rag(options=RagOptions(fusion=FusionOrder.RRF)), "ارسال")
    scores = [chunk["rrf_score"] for chunk in found["chunks"]]
    assert scores == sorted(scores, reverse=True)


def test_a_tenant_without_knowledge_gets_an_empty_and_irrelevant_context() -> None:
    found = retrieve(build_rag(rerank=FakeCrossEncoder("x")), user="theirs")
    assert (found["primary_context"], found["chunks"]) == ("", [])
    assert found["relevance"] == 0.0


@pytest.mark.parametrize(
    "question",
    [
        "",
        " \n",
        "\0",
        "\u200c\u200c",
        "😀🔥❤️",
        "؟!…",
        "ق",
        "\ud83d",
        "سلام hi שלום ギフト",
    ],
)
@pytest.mark.parametrize("share", ["", "😍", "هزینه ارسال"])
def test_a_question_of_any_signs_is_searched(question: str, share: str) -> None:
    found = build_rag().retrieve_context(question, "ours", share=share)
    assert found["performance"]["degraded"] == {}
    assert 0 <= found["relevance"] <= 1
    assert json.dumps(found)


@pytest.mark.parametrize("question", WITHOUT_WORDS)
@pytest.mark.parametrize("share", ["", "😍"])
def test_a_question_without_words_finds_nothing(question: str, share: str) -> None:
    found = build_rag().retrieve_context(question, "ours", share=share)
    assert (found["chunks"], found["relevance"]) == ([], 0.0)
    assert found["primary_context"] == found["secondary_context"] == ""
    assert found["performance"]["dense_candidates"] == 0
    assert found["performance"]["degraded"] == {}


@pytest.mark.parametrize("question", WITHOUT_WORDS)
def test_a_post_that_comes_without_words_is_searched_by_its_caption(
    question: str,
) -> None:
    found = build_rag().retrieve_context(question, "ours", share="هزینه ارسال")
    assert found["chunks"][0]["title"] == "هزینه ارسال"


def test_a_pasted_book_is_searched_by_its_ends() -> None:
    # Its middle, word by word, would take all of the processor from other shops.
    book = "هزینه ارسال؟ " + "ا " * 100_000 + "با پست"
    found = build_rag().retrieve_context(book, "ours", share=book)
    assert len(found["searched_text"]) < 3_000
    assert found["searched_text"].startswith("هزینه ارسال؟")
    assert found["searched_text"].endswith("با پست")
    assert len(found["chunks"]) == 4
