"""How sure the search is, by its evidence."""

import pytest

from retrieval.ranking.relevance import (
    ANSWER_THRESHOLD,
    Evidence,
    OffTopic,
    RelevanceJudge,
    relevance,
)
from retrieval.text.out_of_domain import OFF_TOPIC
from tests.unit.retrieval.samples import GramEmbedder

OF_THE_SHOP = OffTopic(nearest=0.83, average=0.80)
OF_ANOTHER_SUBJECT = OffTopic(nearest=0.87, average=0.80)


def test_a_near_chunk_with_the_questions_words_answers() -> None:
    assert relevance(Evidence(0.88, 0.7, same_language=True), OF_THE_SHOP) > 0.9


def test_the_same_cosine_is_refused_for_a_question_of_another_subject() -> None:
    evidence = Evidence(0.84, 0.3, same_language=True)
    assert relevance(evidence, OF_THE_SHOP) > ANSWER_THRESHOLD
    assert relevance(evidence, OF_ANOTHER_SUBJECT) < ANSWER_THRESHOLD


@pytest.mark.parametrize("off_topic", [OF_THE_SHOP, None])
def test_more_common_words_are_more_relevance(off_topic: OffTopic | None) -> None:
    steps = [
        relevance(Evidence(0.84, share, same_language=True), off_topic)
        for share in (0.0, 0.3, 0.6, 1.0)
    ]
    assert steps == sorted(steps)
    assert 0 < steps[0] < steps[-1] < 1


def test_words_of_another_language_are_not_missed() -> None:
    foreign = relevance(Evidence(0.84, 0.0, same_language=False), OF_THE_SHOP)
    native = relevance(Evidence(0.84, 0.0, same_language=True), OF_THE_SHOP)
    assert foreign > native


def test_without_vectors_the_words_decide() -> None:
    assert relevance(Evidence(None, 0.9, same_language=True), None) > ANSWER_THRESHOLD
    assert relevance(Evidence(None, 0.1, same_language=True), None) < ANSWER_THRESHOLD


def test_a_question_is_placed_among_the_subjects() -> None:
    embedder = GramEmbedder()
    placed = RelevanceJudge(embedder).compare(embedder.embed_queries(OFF_TOPIC[:1])[0])
    assert placed.nearest == pytest.approx(1.0)
    assert 0 < placed.average < placed.nearest


def test_no_subject_is_named_twice() -> None:
    assert len(set(OFF_TOPIC)) == len(OFF_TOPIC)
