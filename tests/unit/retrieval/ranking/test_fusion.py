"""The fusion of two rankings, by hand."""

import pytest

from retrieval.index.hits import OOV_DENSE_WEIGHT, SearchRequest
from retrieval.index.knowledge import SourceType
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.ranking.fusion import penalise_oov, rrf, weighted_min_max
from tests.unit.retrieval.samples import DIMENSIONS, GramEmbedder, a_chunk


def test_scores_are_sums_of_reciprocal_ranks() -> None:
    fused = rrf([["a", "b", "c"], ["c", "a"]])
    assert fused == pytest.approx(
        {"a": 1 / 61 + 1 / 62, "c": 1 / 63 + 1 / 61, "b": 1 / 62}
    )
    assert list(fused) == ["a", "c", "b"]


def test_k_flattens_the_ranks() -> None:
    assert rrf([["a", "b"]], k=0) == {"a": 1.0, "b": 0.5}


def test_ties_keep_the_order_in_which_they_were_seen() -> None:
    assert list(rrf([["b"], ["a"]])) == ["b", "a"]


def test_no_rankings_fuse_to_nothing() -> None:
    assert rrf([]) == {}
    assert rrf([[], []]) == {}


def test_scores_are_stretched_and_averaged_by_weight() -> None:
    dense = {"a": 0.9, "b": 0.85, "c": 0.8}
    sparse = {"a": 1.0, "b": 3.0, "c": 5.0}
    fused = weighted_min_max([(0.6, dense), (0.4, sparse)])
    assert fused == pytest.approx(
        {"a": 0.6, "b": 0.6 * 0.5 + 0.4 * (3 - 1) / (5 - 1), "c": 0.4}
    )
    assert list(fused) == ["a", "b", "c"]


def test_weights_are_relative() -> None:
    dense, sparse = {"a": 2.0, "b": 1.0}, {"a": 0.0, "b": 3.0}
    small = weighted_min_max([(0.6, dense), (0.4, sparse)])
    large = weighted_min_max([(6.0, dense), (4.0, sparse)])
    assert small == pytest.approx(large)


def test_what_one_retriever_could_not_score_is_judged_by_the_other() -> None:
    fused = weighted_min_max([(0.6, {"a": 0.9, "b": 0.8}), (0.4, {"b": 1.0, "c": 2.0})])
    assert fused == {"a": 1.0, "b": 0.0, "c": 1.0}


def test_equal_scores_cannot_be_stretched() -> None:
    assert weighted_min_max([(0.6, {"a": 0.8}), (0.4, {"a": 3.0})]) == {"a": 1.0}
    # No word was found anywhere: only the meaning speaks, at its own weight.
    fused = weighted_min_max([(0.6, {"a": 0.9, "b": 0.8}), (0.4, {"a": 0.0, "b": 0.0})])
    assert fused == pytest.approx({"a": 0.6, "b": 0.0})


def test_no_scores_fuse_to_nothing() -> None:
    assert weighted_min_max([(0.6, {}), (0.4, {})]) == {}


def test_known_words_leave_the_dense_weight_as_it_is() -> None:
    assert penalise_oov(0.55, 0.4, oov_share=0) == 0.55


def test_each_unknown_word_costs_its_share_of_a_half() -> None:
    assert penalise_oov(0.55, 0.4, oov_share=0.2) == pytest.approx(0.45)


def test_the_dense_weight_never_falls_below_the_lowest_nor_rises_to_it() -> None:
    assert penalise_oov(0.55, 0.4, oov_share=1) == 0.4
    assert penalise_oov(0.3, 0.4, oov_share=1) == 0.3


def test_a_question_is_penalised_by_its_content_words_of_three_letters_or_more() -> (
    None
):
    embedder = GramEmbedder()
    index = KnowledgeIndex(DIMENSIONS)
    index.apply(
        [
            a_chunk("ship", "هزینه ارسال", "ارسال با پست ۴۵ هزار تومان است."),
            a_chunk("coat", "پالتو برفین", "پالتو زمستانی شتری."),
        ]
    )

    def second_score(question: str, lowest: float | None) -> float:
        vector = embedder.embed_queries(["پالتو برفین"])[0]
        request = SearchRequest(
            question, vector, [*SourceType], oov_dense_weight=lowest
        )
        # Only the meaning speaks for the coat: its score is the dense weight.
        hits = index.find(request).hits
        return next(hit.score for hit in hits if hit.chunk.title == "پالتو برفین")

    # `چقدره` is a stop word and `قف` too short to tell: all others are known.
    assert second_score("هزینه ارسال چقدره قف", OOV_DENSE_WEIGHT) == pytest.approx(0.55)
    assert second_score("هزینه ارصال", OOV_DENSE_WEIGHT) == pytest.approx(0.4)
    assert second_score("هزینه ارصال", None) == pytest.approx(0.55)
