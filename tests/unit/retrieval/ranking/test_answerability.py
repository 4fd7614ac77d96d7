"""The evidence that a chunk answers, the relevance it gives, and the decision."""

import pytest

from retrieval.index.hits import SearchRequest
from retrieval.index.knowledge import SourceType
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.ranking.answerability import (
    ANSWER_MARGIN,
    BREAK_EVEN,
    PRODUCTION,
    AnswerabilityJudge,
    Evidence,
    OutOfDomain,
    is_answerable,
    relevance,
)
from retrieval.text.out_of_domain import OFF_TOPIC
from tests.unit.retrieval.samples import DIMENSIONS, GramEmbedder, a_chunk

SHIPPING = a_chunk("ship", "هزینه ارسال", "ارسال با پست ۴۵ هزار تومان است.")


def gather(question: str) -> Evidence:
    index = KnowledgeIndex(DIMENSIONS)
    index.apply([SHIPPING])
    vector = GramEmbedder().embed_queries([question])[0]
    hits = index.find(SearchRequest(question, vector, [SourceType.FAQ])).hits
    judge = AnswerabilityJudge(GramEmbedder())
    gathered = judge.gather([question], vector, index, hits)
    assert gathered is not None
    return gathered[0]


def test_a_question_in_another_language_misses_no_words() -> None:
    assert not gather("shipping cost?").same_language
    assert gather("هزینه shipping").same_language


@pytest.mark.parametrize(
    "said", ["https://example.com/p/x?y=1", "www.example.com a", "a", "I am"]
)
def test_what_asks_nothing_is_in_no_other_language(said: str) -> None:
    # Or a bare link was answered with whatever page was nearest.
    evidence = gather(said)
    assert evidence.same_language
    assert evidence.coverage == 0


def test_a_link_is_none_of_a_questions_words() -> None:
    alone, linked = gather("هزینه ارسال"), gather("هزینه ارسال https://example.com/x")
    assert linked.coverage == alone.coverage == 1


OF_THE_SHOP = OutOfDomain(nearest=0.83, average=0.80)
OF_ANOTHER_SUBJECT = OutOfDomain(nearest=0.87, average=0.80)


def test_a_near_chunk_with_the_questions_words_answers() -> None:
    assert relevance(Evidence(0.88, 0.7, same_language=True), OF_THE_SHOP) > 0.9


def test_the_same_cosine_is_refused_for_a_question_of_another_subject() -> None:
    evidence = Evidence(0.84, 0.3, same_language=True)
    assert is_answerable(relevance(evidence, OF_THE_SHOP))
    assert not is_answerable(relevance(evidence, OF_ANOTHER_SUBJECT))


@pytest.mark.parametrize("out_of_domain", [OF_THE_SHOP, None])
def test_more_common_words_are_more_relevance(
    out_of_domain: OutOfDomain | None,
) -> None:
    steps = [
        relevance(Evidence(0.84, share, same_language=True), out_of_domain)
        for share in (0.0, 0.3, 0.6, 1.0)
    ]
    assert steps == sorted(steps)
    assert 0 < steps[0] < steps[-1] < 1


def test_words_of_another_language_are_not_missed() -> None:
    foreign = relevance(Evidence(0.84, 0.0, same_language=False), OF_THE_SHOP)
    native = relevance(Evidence(0.84, 0.0, same_language=True), OF_THE_SHOP)
    assert foreign > native


def test_without_vectors_the_words_decide() -> None:
    assert is_answerable(relevance(Evidence(None, 0.9, same_language=True), None))
    assert not is_answerable(relevance(Evidence(None, 0.1, same_language=True), None))


def test_a_question_is_placed_among_the_subjects() -> None:
    embedder = GramEmbedder()
    (vector,) = embedder.embed_queries(OFF_TOPIC[:1])
    placed = AnswerabilityJudge(embedder).compare(vector)
    assert placed.nearest == pytest.approx(1.0)
    assert 0 < placed.average < placed.nearest


def test_no_subject_is_named_twice() -> None:
    assert len(set(OFF_TOPIC)) == len(OFF_TOPIC)


def test_the_margin_is_what_a_disturbed_cosine_can_add_at_break_even() -> None:
    # Evidence whose log-odds are 0 without, and 0.002 * 53.75 with a disturbance.
    at_break_even = -(PRODUCTION.bias + PRODUCTION.average * 0.8) + 0.85 * -(
        PRODUCTION.nearest
    )
    similarity = at_break_even / PRODUCTION.similarity
    place = OutOfDomain(nearest=0.85, average=0.8)
    before = relevance(Evidence(similarity, 0, same_language=True), place, PRODUCTION)
    after = relevance(
        Evidence(similarity + 0.002, 0, same_language=True), place, PRODUCTION
    )
    assert before == pytest.approx(BREAK_EVEN)
    assert after - before <= ANSWER_MARGIN
    assert not is_answerable(after)
