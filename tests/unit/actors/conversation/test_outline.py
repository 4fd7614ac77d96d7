"""The outline of a state holds nobody's words, and a new text field is judged first."""

import dataclasses
from collections.abc import Iterator
from typing import get_args, get_type_hints

import orjson

from actors.conversation.codec import encode_state
from actors.conversation.outline import WORDED, build_outline
from actors.conversation.replay import RebuiltStep, find_changed_paths
from actors.conversation.state import Album, Caption, Conversation, RecentEdit
from tests.support.conversation.conversations import Story

#: Fields of plain text in which no words of a message stand.
PLAIN = frozenset(
    {
        "closes",
        "first_name",
        "language",
        "last_name",
        "media_id",
        "mid",
        "name",
        "node",
        "opens",
        "platform_id",
        "recent_mids",
        "route",
        "tags",
        "tenant_name",
        "time_zone",
        "unsent_mids",
        "username",
    }
)


def find_texts(kind: object) -> Iterator[str]:
    """Yield the names of the text fields of a dataclass and of what it holds."""
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        for part in get_args(kind):
            yield from find_texts(part)
        return
    for name, hint in get_type_hints(kind).items():
        parts = (hint, *get_args(hint))
        if str in parts:
            yield name
        else:
            yield from find_texts(hint)


def test_each_text_of_a_state_is_known_to_hold_words_or_none() -> None:
    found = set(find_texts(Conversation))
    assert found - WORDED - PLAIN == set()
    # A name that no field has any more would hide one of the same name to come.
    assert PLAIN - found == set()


def test_the_outline_has_everything_but_the_words() -> None:
    story = Story()
    story.customer_writes("first words", 0)
    story.operator_answers("second words", 5)
    state = dataclasses.replace(
        story.now,
        recent_edits=(RecentEdit("m1", "third words"),),
        album=Album("a", story.now.questions[0], (Caption("m1", "fourth words"),))
        if story.now.questions
        else None,
    )
    assert "words" in encode_state(state)
    outline = build_outline(state)
    assert "words" not in orjson.dumps(outline).decode()
    stored = orjson.loads(encode_state(state))
    assert outline.keys() == stored.keys()
    assert outline["status"] == "support_active"
    assert outline["recent_edits"] == [{"mid": "m1", "order": 0}]


def test_changed_paths_name_what_differs() -> None:
    story = Story()
    story.customer_writes("سلام", 0)
    before = story.now
    story.operator_answers("بله", 5)
    changed = find_changed_paths(RebuiltStep(before, story.now))
    assert {"version", "status", "ai_enabled", "questions[0]"} <= set(changed)
    assert "platform_id" not in changed
    assert "version" in find_changed_paths(RebuiltStep(None, before))
    assert find_changed_paths(RebuiltStep(before, before)) == ()
