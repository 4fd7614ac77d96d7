"""Labelled sets as they are read, and what is wrong with them."""

import pytest

from retrieval.evaluation.labelled import (
    LabelledSetError,
    parse_passages,
    parse_questions,
)


def test_passages_are_read_whatever_else_their_lines_hold() -> None:
    lines = [
        '{"id": "a", "title": "ارسال", "text": "با پست.", "source": "faq", "x": 1}',
        "",
        '{"key": "b", "text": "no title"}',
    ]
    first, second = parse_passages(lines)
    assert (first.id, first.title, first.source) == ("a", "ارسال", "faq")
    assert (second.id, second.title, second.text) == ("b", "", "no title")


def test_a_question_without_an_answer_is_unanswerable() -> None:
    answerable, empty, marked = parse_questions(
        [
            '{"id": "q", "text": "چنده؟", "relevant": ["a"], "share": "مانتو"}',
            '{"text": "هوا چطوره؟", "relevant": []}',
            '{"text": "قیمت دلار؟", "relevant": ["a"], "answerable": false}',
        ]
    )
    assert answerable.is_answerable
    assert answerable.share == "مانتو"
    assert not empty.is_answerable
    assert not marked.is_answerable


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("nonsense", "line 1: not JSON"),
        ("[1]", "line 1: not a JSON object"),
        ('{"title": "x"}', "line 1: `id` is missing"),
        ('{"id": "a", "text": 3}', "line 1: `text` is missing or not a text"),
        ("", "there is nothing in it"),
    ],
)
def test_a_wrong_corpus_is_told_by_its_line(line: str, complaint: str) -> None:
    with pytest.raises(LabelledSetError, match=complaint):
        parse_passages([line])


def test_an_id_stands_for_one_passage() -> None:
    with pytest.raises(LabelledSetError, match="line 2: the id 'a' is there twice"):
        parse_passages(['{"id": "a", "text": "x"}'] * 2)


def test_relevant_ids_are_a_list() -> None:
    with pytest.raises(LabelledSetError, match="line 1: `relevant`"):
        parse_questions(['{"text": "x", "relevant": "a"}'])
