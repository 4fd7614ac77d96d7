"""What is known of a question and its best chunk before it is judged."""

import pytest

from retrieval.index.knowledge import SourceType
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.ranking.answerability import Judging
from retrieval.ranking.relevance import Evidence
from tests.unit.retrieval.samples import DIMENSIONS, GramEmbedder, a_chunk

SHIPPING = a_chunk("ship", "هزینه ارسال", "ارسال با پست ۴۵ هزار تومان است.")


def gather(question: str) -> Evidence:
    index = KnowledgeIndex(DIMENSIONS)
    index.apply([SHIPPING])
    vector = GramEmbedder().embed_queries([question])[0]
    hits = index.search(question, vector, [SourceType.FAQ]).hits
    gathered = Judging(GramEmbedder()).gather([question], vector, index, hits)
    assert gathered is not None
    return gathered[0]


def test_a_question_in_another_language_misses_no_words() -> None:
    assert not gather("shipping cost?").same_language
    assert gather("هزینه shipping").same_language


@pytest.mark.parametrize(
    "said", ["https://example.com/p/x?y=1", "www.example.com a", "a", "?", "I am"]
)
def test_what_asks_nothing_is_in_no_other_language(said: str) -> None:
    # Or a bare link was answered with whatever page was nearest.
    evidence = gather(said)
    assert evidence.same_language
    assert evidence.coverage == 0


def test_a_link_is_none_of_a_questions_words() -> None:
    alone, linked = gather("هزینه ارسال"), gather("هزینه ارسال https://example.com/x")
    assert linked.coverage == alone.coverage == 1
