"""Reading Telegram's updates, kind by kind."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.conversation.events import (
    CustomerWrote,
    Media,
    MessageEdited,
    customer_message_id,
)
from actors.conversation.state import MessageType, Profile, Source
from deployments.integrations.telegram.reading import (
    SkipReason,
    WebhookEvent,
    build_event,
    read_webhook,
)
from deployments.integrations.telegram.webhook import is_from_telegram
from persistence.channels import Channel, ChannelKind
from persistence.ids import (
    ChannelId,
    TenantId,
    derive_conversation_id,
)
from tests.support.servers.telegram_server import build_message, update

SARA = 7001
AT = datetime(2026, 3, 21, 12, tzinfo=UTC)
CHANNEL = Channel(
    id=ChannelId(UUID(int=2)),
    tenant_id=TenantId(UUID(int=1)),
    kind=ChannelKind.TELEGRAM,
    name="bot",
    account_id="123456789",
    is_paused=False,
    created_at=AT,
    access_token=None,
    webhook_secret=None,
)


def read(payload: object) -> WebhookEvent | SkipReason:
    (found,) = read_webhook(payload)
    return found


def read_message(**content: object) -> WebhookEvent:
    found = read(update(5, SARA, **content))
    assert isinstance(found, WebhookEvent)
    return found


def in_chat(kind: str) -> dict[str, object]:
    """Build an update with a text in a chat of this kind."""
    message = build_message(1, SARA, text="x")
    return {"update_id": 1, "message": {**message, "chat": {"id": -5, "type": kind}}}


def test_a_text_is_the_customers_message() -> None:
    assert read_message(text=" سلام\n") == WebhookEvent(
        update_id=5,
        customer="7001",
        message_id=5,
        text=" سلام\n",
        profile=Profile("سارا", "احمدی", "sara"),
    )


@pytest.mark.parametrize(
    ("user", "profile"),
    [
        ({"id": 1, "first_name": " Sara\0 "}, Profile("Sara")),
        ({"first_name": "x" * 300}, Profile("x" * 100)),
        ({"first_name": "\u2800", "username": "sara"}, Profile("\u2800", "", "sara")),
        ({"id": 1, "first_name": "  ", "last_name": 7}, None),
        ("nobody", None),
    ],
)
def test_a_profile_is_what_the_platform_says_of_who_wrote(
    user: object, profile: Profile | None
) -> None:
    message = {**build_message(5, SARA, text="x"), "from": user}
    found = read({"update_id": 5, "message": message})
    assert isinstance(found, WebhookEvent)
    assert found.profile == profile


def test_the_event_is_named_by_the_message_and_keeps_the_updates_order() -> None:
    event = build_event(CHANNEL, read_message(text="سلام"), AT)
    conversation = derive_conversation_id(CHANNEL.id, "7001")
    assert isinstance(event, CustomerWrote)
    assert event.id == customer_message_id(conversation, event.mid)
    assert (event.conversation_id, event.customer) == (conversation, "7001")
    assert (event.order, event.mid, event.at) == (5, "123456789:5", AT)
    assert (event.source, event.tenant_id) == (Source.TELEGRAM, CHANNEL.tenant_id)


def test_an_edit_names_the_message_that_it_changes() -> None:
    message = build_message(5, SARA, text="سلام، قیمت؟", edit_date=1)
    found = read({"update_id": 9, "edited_message": message})
    assert isinstance(found, WebhookEvent)
    event = build_event(CHANNEL, found, AT)
    assert isinstance(event, MessageEdited)
    assert event.text == "سلام، قیمت؟"
    first = build_event(CHANNEL, read_message(text="سلام"), AT)
    assert event.mid == first.mid
    assert event.id not in {
        first.id,
        build_event(CHANNEL, replace(found, update_id=10), AT).id,
    }


def test_another_bot_of_the_same_channel_counts_its_own_messages() -> None:
    first = build_event(CHANNEL, read_message(text="a"), AT)
    moved = replace(CHANNEL, account_id="77")
    second = build_event(moved, read_message(text="b"), AT)
    assert first.conversation_id == second.conversation_id
    assert first.id != second.id


def test_an_edited_caption_counts_and_a_moving_location_does_not() -> None:
    photo = build_message(5, SARA, photo=[{"file_id": "p"}], caption="این؟")
    found = read({"update_id": 9, "edited_message": photo})
    assert isinstance(found, WebhookEvent)
    assert found.text == "این؟"
    moving = build_message(5, SARA, location={"latitude": 35.7, "longitude": 51.4})
    assert read({"update_id": 9, "edited_message": moving}) is SkipReason.EDIT


@pytest.mark.parametrize(
    ("content", "message_type", "text", "file_id"),
    [
        ({"photo": [{"file_id": "s"}, {"file_id": "l"}]}, "image", "", "l"),
        ({"photo": [{"file_id": "l"}], "caption": "این؟"}, "image", "این؟", "l"),
        ({"voice": {"file_id": "v"}}, "voice", "", "v"),
        ({"audio": {"file_id": "a"}}, "voice", "", "a"),
        ({"video": {"file_id": "v"}}, "video", "", "v"),
        ({"video_note": {"file_id": "n"}}, "video", "", "n"),
        (
            {"animation": {"file_id": "g"}, "document": {"file_id": "g"}},
            "video",
            "",
            "g",
        ),
        (
            {"document": {"file_id": "d", "file_name": "فاکتور.pdf"}},
            "text",
            "",
            "d",
        ),
        (
            {"document": {"file_id": "d", "mime_type": "image/png"}},
            "image",
            "",
            "d",
        ),
        ({"sticker": {"file_id": "s", "emoji": "👍"}}, "text", "👍", "s"),
        ({"sticker": {"file_id": "s"}}, "text", "", "s"),
    ],
)
def test_a_file_keeps_its_id_and_its_caption(
    content: dict[str, object], message_type: str, text: str, file_id: str
) -> None:
    found = read_message(**content)
    kind = MessageType(message_type)
    assert (found.message_type, found.text) == (kind, text)
    assert found.media == (Media(kind, url="", media_id=file_id),)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (
            {"contact": {"first_name": "سارا", "phone_number": "+98912"}},
            "[شماره تماس] سارا +98912",
        ),
        (
            {"location": {"latitude": 35.7, "longitude": 51.4}},
            "[موقعیت مکانی] 35.7 51.4",
        ),
        (
            {"venue": {"title": "خانه", "address": "تهران"}, "location": {}},
            "[نشانی] خانه تهران",
        ),
        ({"dice": {"emoji": "🎲", "value": 3}}, "🎲"),
        ({"story": {"id": 1}}, "[استوری]"),
        ({"poll": {"question": "?"}}, "[نظرسنجی] ?"),
    ],
)
def test_what_is_neither_text_nor_file_is_put_into_words(
    content: dict[str, object], text: str
) -> None:
    found = read_message(**content)
    assert (found.message_type, found.text, found.media) == (MessageType.TEXT, text, ())


def test_an_answer_names_the_message_that_it_answers() -> None:
    found = read_message(text="بله", reply_to_message={"message_id": 3})
    event = build_event(CHANNEL, found, AT)
    assert isinstance(event, CustomerWrote)
    assert event.reply_to_mid == "123456789:3"


def test_what_can_not_be_stored_is_left_out_of_a_text() -> None:
    assert read_message(text="a\0b").text == "ab"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (7, SkipReason.MALFORMED),
        ({}, SkipReason.MALFORMED),
        ({"update_id": True, "message": {}}, SkipReason.MALFORMED),
        ({"update_id": 1, "message": 7}, SkipReason.MALFORMED),
        ({"update_id": 1, "message": {"chat": {"id": 1}}}, SkipReason.MALFORMED),
        ({"update_id": 1}, SkipReason.OTHER),
        ({"update_id": 1, "callback_query": {}}, SkipReason.OTHER),
        ({"update_id": 1, "my_chat_member": {}}, SkipReason.OTHER),
        (update(1, SARA, pinned_message={"message_id": 3}), SkipReason.SERVICE),
        (in_chat("group"), SkipReason.GROUP),
        (in_chat("supergroup"), SkipReason.GROUP),
        (in_chat("channel"), SkipReason.GROUP),
        (
            update(1, SARA, text="x", **{"from": {"id": 1, "is_bot": True}}),
            SkipReason.SELF,
        ),
    ],
)
def test_all_else_is_left_with_a_reason(payload: object, reason: SkipReason) -> None:
    assert read(payload) is reason


@pytest.mark.parametrize(
    ("secret", "given", "fits"),
    [("s-1", "s-1", True), ("s-1", "s-2", False), ("s-1", "", False), ("", "", False)],
)
def test_only_the_channels_secret_opens(secret: str, given: str, fits: bool) -> None:
    assert is_from_telegram(secret, given) is fits


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["update_id", "message", "chat", "id", "type", "photo", "text"]
            ),
            inner,
            max_size=4,
        )
    ),
)


@given(JSON)
def test_no_update_can_break_the_reader(payload: object) -> None:
    assert isinstance(
        read(orjson.loads(orjson.dumps(payload))), WebhookEvent | SkipReason
    )
