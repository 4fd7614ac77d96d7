"""Whatever a customer did on Telegram is stored, or stands on a closed list."""

import inspect
from collections.abc import Callable

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from telebot import types

from actors.conversation.rules.placeholders import Note, has_placeholder
from deployments.integrations.telegram import content, members, presses
from deployments.integrations.telegram.reading import (
    ALLOWED_UPDATES,
    SkipReason,
    WebhookEvent,
    read_webhook,
)
from tests.support.servers.telegram_server import build_message

SARA = 7001
PERSON = {"id": SARA, "is_bot": False, "first_name": "سارا"}
#: The client's own attributes of a message, and its name for `from`.
CLIENTS_OWN = {"content_type", "json", "id", "from_user"}
#: Members of older servers, which the client does not name any more.
FORMER = {
    *("forward_from", "forward_from_chat", "forward_from_message_id", "forward_date"),
    *("forward_sender_name", "forward_signature", "user_shared", "poll"),
}
PARSE: Callable[[object], object] = types.Message.de_json
BARE = PARSE(
    {"message_id": 1, "date": 1, "chat": {"id": SARA, "type": "private"}, "text": "x"}
)
MESSAGE_MEMBERS = sorted({*vars(BARE), *FORMER, "from"} - CLIENTS_OWN)
UPDATE_MEMBERS = sorted({*inspect.signature(types.Update).parameters} - {"update_id"})
CONTENT = {"text", "rich_message", *content.FILES, *content.DESCRIBED}
SAMPLES: dict[str, object] = {
    "text": "سلام",
    "rich_message": {"blocks": [{"type": "paragraph", "text": "سلام"}]},
    "photo": [{"file_id": "p"}],
    "dice": {"emoji": "🎲", "value": 3},
}


def read(payload: object) -> list[WebhookEvent | SkipReason]:
    return list(read_webhook(payload))


def read_one(payload: object) -> WebhookEvent | SkipReason:
    (found,) = read(payload)
    return found


def with_member(name: str, value: object) -> dict[str, object]:
    """Build an update whose message holds this member, and no other content."""
    return {"update_id": 5, "message": {name: value, **build_message(5, SARA)}}


@pytest.mark.parametrize("name", MESSAGE_MEMBERS)
def test_every_member_of_a_message_is_stored_or_on_the_closed_list(name: str) -> None:
    homes = [
        home for home in (members.ATTRIBUTES, members.SERVICE, CONTENT) if name in home
    ]
    assert len(homes) == 1
    found = read_one(with_member(name, SAMPLES.get(name, {"file_id": "f"})))
    if name in members.SERVICE:
        assert found is SkipReason.SERVICE
        assert members.SERVICE[name]
    elif name == "sender_business_bot":
        assert found is SkipReason.SELF
    else:
        # Where nothing but attributes came, something was sent that is not shown.
        assert isinstance(found, WebhookEvent)
        assert found.text or found.media
        assert name in CONTENT or found.text == Note.NOT_SHOWN


@pytest.mark.parametrize("name", UPDATE_MEMBERS)
def test_every_update_is_subscribed_to_or_on_the_closed_list(name: str) -> None:
    assert (name in ALLOWED_UPDATES) != (name in members.UPDATES)
    if name in members.UPDATES:
        assert members.UPDATES[name]
        assert read_one({"update_id": 5, name: {"from": PERSON}}) is SkipReason.OTHER


@pytest.mark.parametrize("name", [*presses.KINDS, "a_kind_to_come"])
def test_what_a_person_does_without_a_message_is_stored(name: str) -> None:
    for person in ("from", "user"):
        found = read_one({"update_id": 5, name: {"id": "q", person: PERSON}})
        assert isinstance(found, WebhookEvent)
        assert (found.customer, found.scope, found.message_id) == (
            "7001",
            "update:",
            5,
        )
        assert has_placeholder(found.text)


def test_a_shape_to_come_is_named_for_a_person() -> None:
    found = read_one(with_member("hologram", {"file_id": "h"}))
    assert isinstance(found, WebhookEvent)
    assert found.text == "[پیام ناشناخته از نوع hologram]"
    assert has_placeholder(found.text)


INNER = [
    *("blocks", "type", "text", "items", "cells", "label"),
    *("url", "caption", "file_id", "id", "chat", "from"),
    *("user", "users", "emoji", "question", "options", "tasks"),
    *("title", "offset", "length", "gift", "total_amount", "currency"),
    *("data", "latitude", "photo", "message_id"),
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(INNER) | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
UNKNOWN = st.text("abcdefgh_", min_size=1, max_size=9).map(lambda name: f"x_{name}")
MEMBERS = st.dictionaries(
    st.sampled_from(MESSAGE_MEMBERS) | UNKNOWN, VALUES, max_size=4
)
UPDATES = st.sampled_from(
    ["message", "edited_message", "business_message", "edited_business_message"]
)


@given(kind=UPDATES, content=MEMBERS)
def test_a_message_of_a_person_is_stored_or_skipped_by_the_list(
    kind: str, content: dict[str, object]
) -> None:
    for member in ("message_id", "chat", "from", "sender_business_bot"):
        content.pop(member, None)
    message = {**build_message(5, SARA), **content}
    update = orjson.loads(orjson.dumps({"update_id": 5, kind: message}))
    found = read_one(update)
    if isinstance(found, WebhookEvent):
        assert found.customer == "7001"
        assert found.text.strip() or found.media
    elif found is SkipReason.SERVICE:
        assert not members.SERVICE.keys().isdisjoint(message)
        assert CONTENT.isdisjoint(content.keys() - {"text"})
    else:
        assert found is SkipReason.EDIT
        assert kind.startswith("edited")
        listed = {"location", *members.SERVICE}
        assert not listed.isdisjoint(message)


@given(name=st.sampled_from(UPDATE_MEMBERS) | UNKNOWN, value=VALUES)
def test_an_update_without_a_message_is_stored_or_on_the_closed_list(
    name: str, value: object
) -> None:
    fields = value if isinstance(value, dict) else {"data": value}
    fields = {**fields, "from": PERSON, "chat": {"id": SARA, "type": "private"}}
    for found in read({"update_id": 5, name: fields}):
        if isinstance(found, WebhookEvent):
            assert found.customer == "7001"
        elif found is SkipReason.OTHER:
            assert name in members.UPDATES
        else:
            # A message without an id, or a deletion of none: there is nothing to name.
            assert found in {SkipReason.MALFORMED, SkipReason.GROUP}
            assert "message" in name or found is SkipReason.GROUP
