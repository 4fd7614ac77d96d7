"""What the demo shop's data files promise to the seeder and to evaluations."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

DEMO = Path(__file__).parents[4] / "deployments" / "commands" / "demo"
SOURCE_FLOORS = {"manual": 14, "faq": 20, "products": 24, "website": 10}
STYLE_FLOORS = {"formal": 55, "colloquial": 75, "english": 18, "typo": 10}
ARABIC_YEH_AND_KAF = re.compile("[\u064a\u0649\u0643]")
HOST = re.compile(r"(?:https?://|@)?[a-z0-9-]+(?:\.[a-z]+)+", re.ASCII)
# RFC 2606: nobody can ever own these, so no demo link leads to a stranger.
RESERVED_HOST = re.compile(
    r"(?:.+\.)?(?:example|test|invalid|example\.(?:com|net|org))"
)
MAX_WORDS = 600


@dataclass(frozen=True, slots=True)
class Document:
    """One line of documents.jsonl; an unknown or missing field is a TypeError."""

    key: str
    source_type: str
    title: str
    text: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One line of questions.jsonl; an unknown or missing field is a TypeError."""

    id: str
    text: str
    relevant: list[str]
    style: str
    answerable: bool


def load_lines(name: str) -> list[str]:
    """Read a data file; an empty line in it would be a mistake of an editor."""
    return (DEMO / name).read_text(encoding="utf-8").removesuffix("\n").split("\n")


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    """Every document of the demo shop."""
    return [Document(**json.loads(line)) for line in load_lines("documents.jsonl")]


@pytest.fixture(scope="module")
def questions() -> list[Question]:
    """Every labelled question about the demo shop."""
    return [Question(**json.loads(line)) for line in load_lines("questions.jsonl")]


def test_every_source_type_has_enough_documents(documents: list[Document]) -> None:
    counts = Counter(document.source_type for document in documents)

    assert set(counts) == set(SOURCE_FLOORS)
    assert all(counts[kind] >= floor for kind, floor in SOURCE_FLOORS.items()), counts
    assert len(documents) >= 72


def test_keys_ids_and_texts_are_unique(
    documents: list[Document], questions: list[Question]
) -> None:
    for values in (
        [document.key for document in documents],
        [document.title for document in documents],
        [question.id for question in questions],
        [question.text for question in questions],
    ):
        assert [value for value, n in Counter(values).items() if n > 1] == []


def test_every_style_has_enough_answerable_questions(questions: list[Question]) -> None:
    counts = Counter(question.style for question in questions if question.answerable)

    assert set(counts) == set(STYLE_FLOORS)
    assert all(counts[style] >= floor for style, floor in STYLE_FLOORS.items()), counts
    assert counts.total() >= 170


def test_enough_questions_have_no_answer_in_the_shop(questions: list[Question]) -> None:
    assert sum(not question.answerable for question in questions) >= 25


def test_a_question_is_answerable_exactly_when_a_document_answers_it(
    questions: list[Question],
) -> None:
    assert [q.id for q in questions if q.answerable != bool(q.relevant)] == []


def test_labels_point_to_documents(
    documents: list[Document], questions: list[Question]
) -> None:
    keys = {document.key for document in documents}

    assert [q.id for q in questions if not keys.issuperset(q.relevant)] == []
    assert [q.id for q in questions if len(set(q.relevant)) != len(q.relevant)] == []


def test_at_least_nine_documents_in_ten_are_asked_about(
    documents: list[Document], questions: list[Question]
) -> None:
    asked = {key for question in questions for key in question.relevant}

    assert len(asked) >= 0.9 * len(documents)


def test_documents_are_spelt_with_persian_letters(documents: list[Document]) -> None:
    spelt = {
        document.key: f"{document.title} {document.text}" for document in documents
    }

    assert [key for key, text in spelt.items() if ARABIC_YEH_AND_KAF.search(text)] == []


def test_no_document_is_empty_or_too_long(documents: list[Document]) -> None:
    lengths = {document.key: len(document.text.split()) for document in documents}

    assert {key: n for key, n in lengths.items() if not 0 < n <= MAX_WORDS} == {}


def test_some_manuals_are_long_enough_to_need_several_chunks(
    documents: list[Document],
) -> None:
    long = [
        document.key
        for document in documents
        if len(document.text.split()) >= 150 and document.text.count("\n\n") >= 2
    ]

    assert len(long) >= 4


def test_products_and_pages_have_a_url_of_their_own(documents: list[Document]) -> None:
    urls = [d.url for d in documents if d.source_type in {"products", "website"}]

    assert None not in urls
    assert len(set(urls)) == len(urls)


def test_every_host_is_reserved_for_examples(documents: list[Document]) -> None:
    hosts = [
        urlsplit(document.url).hostname or "" for document in documents if document.url
    ]
    hosts += [
        re.split("[/@]", found)[-1]
        for document in documents
        for found in HOST.findall(document.text)
    ]

    assert [host for host in hosts if not RESERVED_HOST.fullmatch(host)] == []


def test_the_shipping_question_is_answered_in_one_sentence(
    documents: list[Document], questions: list[Question]
) -> None:
    (asked,) = [q for q in questions if q.text == "هزینه ارسال چقدره؟"]
    (document,) = [d for d in documents if d.key in asked.relevant]
    first_sentence = document.text.split(".")[0]

    assert "هزینه‌ی ارسال" in first_sentence
    assert "۶۵ هزار تومان" in first_sentence
