"""Reading Instagram's webhooks, kind by kind."""

from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.conversation.events import CustomerWrote, EchoReceived
from actors.conversation.state import MessageType, Source
from deployments.channels.instagram import (
    UNSUPPORTED,
    Incoming,
    Skip,
    build_event,
    is_signed,
    read_webhook,
)
from persistence.channels import Channel, ChannelKind
from persistence.ids import (
    ChannelId,
    TenantId,
    derive_conversation_id,
    derive_event_id,
)

SHOP, SARA = "17841400000000000", "900100200300"
AT = datetime(2026, 3, 21, 12, tzinfo=UTC)
CHANNEL = Channel(
    id=ChannelId(UUID(int=2)),
    tenant_id=TenantId(UUID(int=1)),
    kind=ChannelKind.INSTAGRAM,
    name="shop",
    account_id=SHOP,
    is_paused=False,
    created_at=AT,
    access_token=None,
    webhook_secret=None,
)


def event(**fields: object) -> dict[str, object]:
    """Build an event from Sara to the shop."""
    return {"sender": {"id": SARA}, "recipient": {"id": SHOP}, "timestamp": 1, **fields}


def message(**fields: object) -> dict[str, object]:
    """Build a message from Sara to the shop."""
    return event(message={"mid": "m1", **fields})


def read(*events: object, account: str = SHOP) -> list[Incoming | Skip]:
    """Read one entry with these events."""
    entry = {"id": account, "messaging": list(events)}
    return list(read_webhook({"object": "instagram", "entry": [entry]}))


def test_a_text_is_the_customers_message() -> None:
    assert read(message(text=" سلام\n")) == [
        Incoming(accounts=(SHOP,), customer=SARA, mid="m1", text=" سلام\n")
    ]


def test_all_entries_and_events_are_read_in_order() -> None:
    payload = {
        "entry": [
            {"id": SHOP, "messaging": [message(text="a"), message(text="b")]},
            {"id": "other", "messaging": [message(text="c")]},
        ]
    }
    texts = [
        (found.text, found.accounts)
        for found in read_webhook(payload)
        if isinstance(found, Incoming)
    ]
    assert texts == [("a", (SHOP,)), ("b", (SHOP,)), ("c", ("other", SHOP))]


def test_an_echo_names_the_customer_as_its_recipient() -> None:
    echo = {
        "sender": {"id": SHOP},
        "recipient": {"id": SARA},
        "message": {"mid": "m2", "text": "بله", "is_echo": True},
    }
    assert read(echo) == [Incoming((SHOP,), SARA, "m2", "بله", is_echo=True)]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"read": {"mid": "m"}}, Skip.READ),
        ({"reaction": {"mid": "m", "action": "react"}}, Skip.REACTION),
        ({"delivery": {"mids": ["m"]}}, Skip.DELIVERY),
        ({"message_edit": {"mid": "m", "text": "x"}}, Skip.EDIT),
        ({"referral": {"ref": "ad"}}, Skip.REFERRAL),
        ({"message": {"mid": "m", "is_deleted": True}}, Skip.DELETED),
        ({"message": {"mid": "m", "text": "x", "is_self": True}}, Skip.SELF),
        ({"message": {"mid": "m", "text": " \0 "}}, Skip.EMPTY),
        ({"message": {"text": "no id"}}, Skip.MALFORMED),
        ({"message": {"mid": "m" * 257, "text": "x"}}, Skip.MALFORMED),
        ({"message": "text"}, Skip.MALFORMED),
        ({"postback": {"title": "no id"}}, Skip.MALFORMED),
        ({"something_new": {}}, Skip.OTHER),
    ],
)
def test_what_makes_no_message_is_skipped_with_a_reason(
    fields: dict[str, object], reason: Skip
) -> None:
    spoiled = read(message(text="before"), event(**fields), message(text="after"))
    assert spoiled[1] is reason
    assert [type(found) for found in (spoiled[0], spoiled[2])] == [Incoming, Incoming]


@pytest.mark.parametrize(
    ("kind", "message_type", "text"),
    [
        ("image", MessageType.IMAGE, "[تصویر]"),
        ("audio", MessageType.VOICE, "[پیام صوتی]"),
        ("video", MessageType.VIDEO, "[ویدئو]"),
        ("share", MessageType.SHARE, "[پست/ریلز اینستاگرام]"),
        ("ig_post", MessageType.SHARE, "[پست/ریلز اینستاگرام]"),
        ("ig_reel", MessageType.SHARE, "[پست/ریلز اینستاگرام]"),
        ("hologram", MessageType.TEXT, "[پیوست]"),
        (["image"], MessageType.TEXT, "[پیوست]"),
    ],
)
def test_an_attachment_without_words_has_a_placeholder(
    kind: object, message_type: MessageType, text: str
) -> None:
    (found,) = read(message(attachments=[{"type": kind, "payload": {"url": "u"}}]))
    assert isinstance(found, Incoming)
    assert (found.message_type, found.text) == (message_type, text)


def test_an_attachment_keeps_the_words_that_came_with_it() -> None:
    (found,) = read(message(text="این چند؟", attachments=[{"type": "image"}]))
    assert isinstance(found, Incoming)
    assert (found.message_type, found.text) == (MessageType.IMAGE, "این چند؟")


def test_what_instagram_does_not_show_is_still_a_message() -> None:
    (found,) = read(message(is_unsupported=True))
    assert isinstance(found, Incoming)
    assert found.text == UNSUPPORTED


def test_a_tapped_button_says_its_title() -> None:
    (found,) = read(event(postback={"mid": "m3", "title": "ارسال دارید؟"}))
    assert found == Incoming((SHOP,), SARA, "m3", "ارسال دارید؟")


def test_messages_wrapped_as_changes_are_read_and_comments_are_not() -> None:
    entry = {
        "id": "0",
        "changes": [
            {"field": "messages", "value": message(text="wrapped")},
            {"field": "comments", "value": {"text": "nice"}},
        ],
        "standby": [message(text="another app's")],
    }
    found = list(read_webhook({"entry": [entry]}))
    assert found == [
        Incoming(("0", SHOP), SARA, "m1", "wrapped"),
        Skip.CHANGE,
        Skip.STANDBY,
    ]


def test_nul_is_taken_out_of_texts() -> None:
    (found,) = read(message(text="a\0b"))
    assert isinstance(found, Incoming)
    assert found.text == "ab"


MEMBERS = (
    *("entry", "id", "messaging", "changes", "field", "value", "sender", "recipient"),
    *("message", "mid", "text", "is_echo", "attachments", "type", "postback", "title"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just("image"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(MEMBERS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=30,
)


@given(JSON)
def test_no_json_can_break_the_reading(payload: object) -> None:
    for found in read_webhook(payload):
        assert isinstance(found, Incoming | Skip)


def test_the_same_mid_makes_the_same_event() -> None:
    incoming = Incoming((SHOP,), SARA, "m1", "سلام")
    first = build_event(CHANNEL, incoming, AT)
    conversation_id = derive_conversation_id(CHANNEL.id, SARA)
    assert first == CustomerWrote(
        id=derive_event_id(conversation_id, "m1"),
        conversation_id=conversation_id,
        at=AT,
        tenant_id=CHANNEL.tenant_id,
        channel_id=CHANNEL.id,
        source=Source.INSTAGRAM,
        customer=SARA,
        mid="m1",
        text="سلام",
    )
    assert build_event(CHANNEL, incoming, AT).id == first.id


def test_an_echo_is_in_the_customers_conversation() -> None:
    echo = build_event(CHANNEL, Incoming((SHOP,), SARA, "m1", "x", is_echo=True), AT)
    text = build_event(CHANNEL, Incoming((SHOP,), SARA, "m1", "x"), AT)
    assert isinstance(echo, EchoReceived)
    assert echo.conversation_id == text.conversation_id
    assert echo.id != text.id


def test_a_signature_fits_the_raw_body_only() -> None:
    # printf '{}' | openssl dgst -sha256 -hmac secret
    digest = "77325902caca812dc259733aacd046b73817372c777b8d95b402647474516e13"
    assert is_signed(b"secret", b"{}", f"sha256={digest}")
    assert not is_signed(b"secret", b"{ }", f"sha256={digest}")
    assert not is_signed(b"other", b"{}", f"sha256={digest}")
    assert not is_signed(b"secret", b"{}", digest)
    assert not is_signed(b"secret", b"{}", "")
    assert not is_signed(b"secret", b"{}", "sha256=é")


def test_a_number_as_id_is_read_as_its_digits() -> None:
    numbers = orjson.loads(
        b'{"entry":[{"id":5,"messaging":[{"sender":{"id":7},"recipient":{"id":5},'
        b'"message":{"mid":"m","text":"x"}}]}]}'
    )
    assert list(read_webhook(numbers)) == [Incoming(("5",), "7", "m", "x")]
