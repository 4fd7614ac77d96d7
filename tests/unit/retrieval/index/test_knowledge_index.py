"""One tenant's knowledge: revisions, filters, and retrievers that fail."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Self

import numpy as np
import pytest
from numpy.typing import NDArray

from retrieval.errors import DimensionMismatchError, SearchFailedError
from retrieval.index import bm25
from retrieval.index.bm25 import Bm25Index, CountedTerms
from retrieval.index.knowledge import (
    Hits,
    IndexedChunk,
    RetrieverName,
    SearchRequest,
    SourceType,
)
from retrieval.index.knowledge_index import KnowledgeIndex
from tests.unit.retrieval.samples import (
    DIMENSIONS,
    WITHOUT_WORDS,
    GramEmbedder,
    a_chunk,
    an_id,
)

SHIPPING = a_chunk("ship", "هزینه ارسال", "ارسال با پست ۴۵ هزار تومان است.")
RETURNS = a_chunk("return", "مرجوعی", "تا ۷ روز می‌توانید کالا را پس بدهید.")
COAT = a_chunk("coat", "پالتو برفین", "پالتو زمستانی شتری.", SourceType.PRODUCTS)
ENGLISH = a_chunk("en", "Returns", "You can return an item within seven days.")
ALL = tuple(SourceType)
SHIPPING_VECTOR = GramEmbedder().embed_queries([SHIPPING.text])[0]


class FailingBm25(Bm25Index):
    """A sparse index that fails at every question."""

    def scores(
        self, query: str | Mapping[str, float]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Fail."""
        raise MemoryError(query)


def search(
    index: KnowledgeIndex,
    query: str,
    sources: Collection[SourceType] = ALL,
    *,
    embedded: bool = True,
    top_k: int = 20,
) -> Hits:
    vector = GramEmbedder().embed_queries([query])[0] if embedded else None
    return index.find(
        SearchRequest(query, vector, sources, dense_top_k=top_k, sparse_top_k=top_k)
    )


def names(found: Hits) -> list[IndexedChunk]:
    return [hit.chunk for hit in found.hits]


@pytest.fixture
def index() -> KnowledgeIndex:
    index = KnowledgeIndex(DIMENSIONS)
    index.apply([SHIPPING, RETURNS, COAT])
    return index


def test_the_best_of_both_arms_is_first_and_shows_how_it_was_found(
    index: KnowledgeIndex,
) -> None:
    found = search(index, "هزینه ارسال")
    first = found.hits[0]
    assert first.chunk == SHIPPING
    assert (first.dense_rank, first.sparse_rank) == (1, 1)
    assert first.rrf_score == pytest.approx(2 / 61)
    assert first.score == pytest.approx(1.0)
    assert first.dense_score is not None
    assert 0.5 < first.dense_score <= 1
    assert (found.n_dense, found.n_sparse) == (3, 1)
    assert found.degraded == {}


def test_candidates_of_one_arm_are_scored_by_the_other_too(
    index: KnowledgeIndex,
) -> None:
    found = search(index, "هزینه ارسال")
    coat = next(hit for hit in found.hits if hit.chunk == COAT)
    assert coat.sparse_rank is None
    assert coat.sparse_score == 0.0


def test_other_sources_are_left_out_before_the_best_are_chosen(
    index: KnowledgeIndex,
) -> None:
    found = search(index, "هزینه ارسال", [SourceType.PRODUCTS], top_k=1)
    assert names(found) == [COAT]


def test_no_sources_and_no_knowledge_find_nothing(index: KnowledgeIndex) -> None:
    assert search(index, "هزینه ارسال", []).hits == ()
    assert search(KnowledgeIndex(DIMENSIONS), "هزینه ارسال").hits == ()


def test_a_chunk_without_a_vector_is_found_by_its_words(index: KnowledgeIndex) -> None:
    late = a_chunk("late", "کد تخفیف", "کد AVIN10 را وارد کنید.", embedded=False)
    index.apply([late])
    hit = search(index, "کد AVIN10").hits[0]
    assert hit.chunk == late
    assert (hit.dense_rank, hit.dense_score) == (None, None)


def test_a_vector_that_arrives_later_joins_the_dense_arm(index: KnowledgeIndex) -> None:
    whole = a_chunk("late", "کد تخفیف", "کد AVIN10 را وارد کنید.")
    index.apply([replace(whole, vector=None)])
    index.apply([whole])
    hit = search(index, "کد AVIN10").hits[0]
    assert hit.chunk == whole
    assert hit.dense_rank == 1
    assert len(index) == 4


def test_a_long_page_is_read_once_though_its_vectors_come_in_batches() -> None:
    read: list[int] = []

    class Reader(Bm25Index):
        def changed(
            self,
            gone: Iterable[int],
            keys: Sequence[int],
            counted: Sequence[CountedTerms],
        ) -> Self:
            read.extend(keys)
            return super().changed(gone, keys, counted)

    index = KnowledgeIndex(DIMENSIONS, sparse=Reader())
    page = [a_chunk(f"p{n}", "صفحه", f"بند شماره {n}.", document="p") for n in range(8)]
    for n_embedded in range(9):
        chunks = [
            chunk if n < n_embedded else replace(chunk, vector=None)
            for n, chunk in enumerate(page)
        ]
        # As a replica does it: the document is named, and read whole, each time.
        index.apply(chunks, [page[0].document_id])
        found = search(index, "بند شماره")
        assert (found.n_dense, found.n_sparse) == (n_embedded, 8)
    assert len(read) == 8
    edited = a_chunk("p3", "صفحه", "بند دیگر.", document="p")
    index.apply([*page[:3], edited], [page[0].document_id])
    assert len(read) == 9
    assert len(index) == 4
    assert {*names(search(index, "بند"))} == {*page[:3], edited}


def test_a_deleted_document_is_gone_from_both_arms(index: KnowledgeIndex) -> None:
    index.apply(deleted=[SHIPPING.document_id, an_id("unknown")])
    assert SHIPPING not in names(search(index, "هزینه ارسال"))
    assert len(index) == 2


def test_a_barred_document_does_not_come_back_with_a_revision_under_way(
    index: KnowledgeIndex,
) -> None:
    index.bar([SHIPPING.document_id])
    again = replace(SHIPPING, chunk_id=an_id("again"))
    index.apply([SHIPPING, again], [SHIPPING.document_id])
    assert SHIPPING.title not in {
        hit.chunk.title for hit in search(index, SHIPPING.text).hits
    }
    assert len(index) == 2


def test_a_question_builds_nothing_after_a_large_change(
    index: KnowledgeIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    search(index, SHIPPING.text)
    more = [a_chunk(f"n{n}", "کالا", f"کالای {n} موجود است.") for n in range(50)]
    index.apply(more[:30])
    index.apply(more[30:], [SHIPPING.document_id])

    def refuse(*_: object) -> None:
        raise AssertionError

    index.prepare()
    monkeypatch.setattr(bm25, "_build_matrix", refuse)
    found = search(index, "کالای 49")
    assert found.degraded == {}
    assert found.hits[0].chunk == more[49]


def test_a_revision_replaces_a_document_whole(index: KnowledgeIndex) -> None:
    first = a_chunk("page-1", "صفحه", "متن کهنه درباره کفش.", document="page")
    second = a_chunk("page-2", "صفحه", "دنباله متن کهنه.", document="page")
    edited = a_chunk("page-3", "صفحه", "متن تازه درباره کلاه.", document="page")
    index.apply([first, second])
    index.apply([edited], deleted=[edited.document_id])
    assert len(index) == 4
    assert names(search(index, "متن درباره کلاه"))[0] == edited
    assert {first, second}.isdisjoint(names(search(index, "متن کهنه")))


def test_a_chunk_may_move_to_another_source(index: KnowledgeIndex) -> None:
    moved = replace(SHIPPING, source=SourceType.MANUAL)
    index.apply([moved])
    assert names(search(index, "هزینه ارسال", [SourceType.MANUAL])) == [moved]
    assert SHIPPING not in names(search(index, "هزینه ارسال", [SourceType.FAQ]))


def test_applying_a_revision_twice_changes_nothing(index: KnowledgeIndex) -> None:
    before = search(index, "هزینه ارسال")
    index.apply([SHIPPING, RETURNS, COAT, COAT])
    assert search(index, "هزینه ارسال") == before


def test_order_does_not_depend_on_the_order_of_arrival(index: KnowledgeIndex) -> None:
    other = KnowledgeIndex(DIMENSIONS)
    for chunk in (COAT, RETURNS, SHIPPING):
        other.apply([chunk])
    assert names(search(other, "کالا پست")) == names(search(index, "کالا پست"))


def test_a_revision_with_a_wrong_vector_is_refused_whole(index: KnowledgeIndex) -> None:
    wrong = replace(RETURNS, vector=np.ones(3, dtype=np.float32))
    with pytest.raises(DimensionMismatchError):
        index.apply([ENGLISH, wrong], deleted=[SHIPPING.document_id])
    assert names(search(index, "هزینه ارسال"))[0] == SHIPPING
    assert len(index) == 3


def test_predecessor_fault_g5_without_vectors_the_words_still_find(
    index: KnowledgeIndex,
) -> None:
    found = search(index, "هزینه ارسال", embedded=False)
    assert names(found) == [SHIPPING]
    assert found.degraded == {RetrieverName.DENSE: "EmbeddingError"}


def test_another_models_question_leaves_the_words(index: KnowledgeIndex) -> None:
    other = np.ones(3, dtype=np.float32)
    found = index.find(SearchRequest("هزینه ارسال", other, ALL))
    assert names(found) == [SHIPPING]
    assert found.degraded == {RetrieverName.DENSE: "DimensionMismatchError"}


def test_a_failing_sparse_index_leaves_the_meaning_and_a_line_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    index = KnowledgeIndex(DIMENSIONS, sparse=FailingBm25())
    index.apply([SHIPPING, RETURNS])
    found = search(index, "هزینه ارسال")
    assert names(found)[0] == SHIPPING
    assert found.degraded == {RetrieverName.SPARSE: "MemoryError"}
    assert found.hits[0].sparse_score is None
    (record,) = caplog.records
    assert record.getMessage().startswith("sparse failed: MemoryError(")
    assert record.exc_info is not None


def test_a_retriever_that_is_off_has_not_failed(index: KnowledgeIndex) -> None:
    vector = GramEmbedder().embed_queries(["هزینه ارسال"])[0]
    request = SearchRequest("هزینه ارسال", vector, ALL)
    for off in (replace(request, dense_top_k=0), replace(request, sparse_top_k=0)):
        found = index.find(off)
        assert found.hits[0].chunk == SHIPPING
        assert found.degraded == {}


def test_predecessor_fault_g5_two_failing_indexes_are_an_error_not_an_empty_list() -> (
    None
):
    index = KnowledgeIndex(DIMENSIONS, sparse=FailingBm25())
    index.apply([SHIPPING])
    with pytest.raises(SearchFailedError):
        search(index, "هزینه ارسال", embedded=False)


def test_words_of_another_language_do_not_count_against_a_chunk() -> None:
    axes = np.eye(DIMENSIONS, dtype=np.float32)
    persian = replace(RETURNS, vector=axes[0])
    # Shares the word "return" with the question, and half of its meaning.
    english = replace(ENGLISH, vector=(axes[0] + axes[1]) / np.sqrt(2))
    far = replace(COAT, vector=axes[2])
    index = KnowledgeIndex(DIMENSIONS)
    index.apply([persian, english, far])
    found = index.find(SearchRequest("return policy", axes[0], ALL))
    assert names(found) == [persian, english, far]
    assert found.hits[0].score == pytest.approx(1.0)


def test_top_ks_are_obeyed(index: KnowledgeIndex) -> None:
    vector = GramEmbedder().embed_queries(["پالتو کالا ارسال"])[0]

    def counts(tops: Sequence[int]) -> tuple[int, int, int]:
        found = index.find(
            SearchRequest(
                "پالتو کالا ارسال",
                vector,
                ALL,
                dense_top_k=tops[0],
                sparse_top_k=tops[1],
                fused_top_k=tops[2],
            )
        )
        return found.n_dense, found.n_sparse, len(found.hits)

    assert counts((2, 1, 20)) in {(2, 1, 2), (2, 1, 3)}
    assert counts((20, 15, 1)) == (3, 3, 1)


def test_coverage_of_an_unknown_chunk_is_none(index: KnowledgeIndex) -> None:
    assert index.coverage(["ارسال"], SHIPPING.chunk_id) == 1.0
    assert index.coverage(["ارسال"], an_id("unknown")) == 0.0


@pytest.mark.parametrize("text", WITHOUT_WORDS)
def test_a_text_without_words_finds_nothing_whatever_its_vector(
    index: KnowledgeIndex, text: str
) -> None:
    # The vector of an empty text is near to every passage by chance.
    found = index.find(SearchRequest(text, SHIPPING_VECTOR, ALL))
    assert (found.hits, found.n_dense, found.n_sparse) == ((), 0, 0)
    assert found.degraded == {}
