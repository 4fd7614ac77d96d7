"""Reading Instagram's webhooks, kind by kind."""

from datetime import timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.conversation.events import (
    CustomerShared,
    CustomerWrote,
    EchoReceived,
    Media,
    MessageEdited,
    MessageUnsent,
)
from actors.conversation.rules.placeholders import UNSUPPORTED
from actors.conversation.state import MessageType, Source
from deployments.integrations.instagram.building import build_event
from deployments.integrations.instagram.incoming import (
    EventKind,
    SkipReason,
    WebhookEvent,
)
from deployments.integrations.instagram.reading import read_webhook
from deployments.integrations.instagram.signatures import is_signed
from persistence.ids import derive_conversation_id, derive_event_id
from tests.support.instagram_events import AT, CHANNEL, SARA, SHOP, event, message, read


def test_a_text_is_the_customers_message() -> None:
    assert read(message(text=" سلام\n")) == [
        WebhookEvent(accounts=(SHOP,), customer=SARA, mid="m1", text=" سلام\n")
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
        if isinstance(found, WebhookEvent)
    ]
    assert texts == [("a", (SHOP,)), ("b", (SHOP,)), ("c", ("other", SHOP))]


def test_an_echo_names_the_customer_as_its_recipient() -> None:
    echo = {
        "sender": {"id": SHOP},
        "recipient": {"id": SARA},
        "message": {"mid": "m2", "text": "بله", "is_echo": True},
    }
    assert read(echo) == [WebhookEvent((SHOP,), SARA, "m2", "بله", EventKind.ECHO)]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"read": {"mid": "m"}}, SkipReason.READ),
        ({"reaction": {"mid": "m", "action": "react"}}, SkipReason.REACTION),
        ({"delivery": {"mids": ["m"]}}, SkipReason.DELIVERY),
        ({"message": {"mid": "m", "text": "x", "is_self": True}}, SkipReason.SELF),
        ({"message": {"mid": "m", "text": "x", "is_self": "true"}}, SkipReason.SELF),
        ({"pass_thread_control": {"new_owner_app_id": "1"}}, SkipReason.HANDOVER),
        ({"policy_enforcement": {"action": "warning"}}, SkipReason.POLICY),
    ],
)
def test_what_nobody_wrote_is_skipped_with_a_reason(
    fields: dict[str, object], reason: SkipReason
) -> None:
    spoiled = read(message(text="before"), event(**fields), message(text="after"))
    assert spoiled[1] is reason
    assert [type(found) for found in (spoiled[0], spoiled[2])] == [
        WebhookEvent,
        WebhookEvent,
    ]


@pytest.mark.parametrize(
    ("kind", "message_type"),
    [
        ("image", MessageType.IMAGE),
        ("audio", MessageType.VOICE),
        ("video", MessageType.VIDEO),
        ("file", MessageType.TEXT),
        (["image"], MessageType.TEXT),
    ],
)
def test_media_without_words_is_kept_with_its_address(
    kind: object, message_type: MessageType
) -> None:
    payload = {"url": "https://cdn.example/1", "id": 77}
    (found,) = read(message(attachments=[{"type": kind, "payload": payload}]))
    assert found == WebhookEvent(
        (SHOP,),
        SARA,
        "m1",
        "",
        message_type=message_type,
        media=(Media(message_type, "https://cdn.example/1", "77"),),
    )


def test_an_attachment_keeps_the_words_that_came_with_it() -> None:
    (found,) = read(message(text="این چند؟", attachments=[{"type": "image"}]))
    assert isinstance(found, WebhookEvent)
    assert (found.message_type, found.text) == (MessageType.IMAGE, "این چند؟")


def test_all_pictures_of_one_message_are_kept() -> None:
    pictures = [{"type": "image", "payload": {"url": f"u{n}"}} for n in range(3)]
    (found,) = read(message(attachments=pictures))
    assert isinstance(found, WebhookEvent)
    assert [media.url for media in found.media] == ["u0", "u1", "u2"]


def test_a_heart_is_said_rather_than_shown() -> None:
    (found,) = read(message(attachments=[{"type": "like_heart"}]))
    assert found == WebhookEvent((SHOP,), SARA, "m1", "❤️")


def test_a_message_that_answers_another_names_it() -> None:
    (found,) = read(message(text="همین", reply_to={"mid": "m0"}))
    assert isinstance(found, WebhookEvent)
    assert found.reply_to_mid == "m0"


def test_an_unsent_message_is_told_with_its_mid() -> None:
    assert read(message(is_deleted=True)) == [
        WebhookEvent((SHOP,), SARA, "m1", "", EventKind.UNSENT)
    ]


def test_what_the_owner_takes_back_is_in_the_customers_conversation() -> None:
    unsent = {
        "sender": {"id": SHOP},
        "recipient": {"id": SARA},
        "message": {"mid": "m2", "is_deleted": True},
    }
    (found,) = read(unsent)
    assert found == WebhookEvent(
        (SHOP,), SARA, "m2", "", EventKind.UNSENT, is_ours=True
    )
    event = build_event(CHANNEL, found, AT)
    assert isinstance(event, MessageUnsent)
    assert event.is_ours


def test_an_edit_is_told_with_the_new_words_and_its_number() -> None:
    edit = {"mid": "m1", "text": "نه، قرمز", "num_edit": 2}
    assert read(event(message_edit=edit)) == [
        WebhookEvent(
            (SHOP,), SARA, "m1", "نه، قرمز", EventKind.EDITED, edit="2", edit_order=2
        )
    ]


@pytest.mark.parametrize(
    ("edit", "at_ms", "order"),
    [
        ({"num_edit": 3}, 1_700_000_000_123, 3),
        ({"num_edit": "3"}, None, 3),
        # Without a count the platform's clock says which is the later.
        ({}, 1_700_000_000_123, 1_700_000_000_123),
        ({"num_edit": "three"}, "soon", 0),
        ({"num_edit": 10**30}, None, 0),
    ],
)
def test_an_edit_says_which_one_it_is(
    edit: dict[str, object], at_ms: object, order: int
) -> None:
    told = {"mid": "m1", "text": "قرمز", **edit}
    (found,) = read(event(message_edit=told, timestamp=at_ms))
    assert isinstance(found, WebhookEvent)
    edited = build_event(CHANNEL, found, AT)
    assert isinstance(edited, MessageEdited)
    assert edited.order == order


def test_words_that_come_back_are_an_edit_of_their_own() -> None:
    ids = set()
    for at_ms, text in ((1, "a"), (2, "b"), (3, "a")):
        told = {"mid": "m1", "text": text}
        (found,) = read(event(message_edit=told, timestamp=at_ms))
        assert isinstance(found, WebhookEvent)
        ids.add(build_event(CHANNEL, found, AT).id)
    assert len(ids) == 3


def test_each_edit_is_an_event_of_its_own_and_a_repeated_one_is_the_same() -> None:
    def edit(number: int | None, text: str) -> object:
        fields: dict[str, object] = {"mid": "m1", "text": text}
        if number is not None:
            fields["num_edit"] = number
        (found,) = read(event(message_edit=fields))
        assert isinstance(found, WebhookEvent)
        return build_event(CHANNEL, found, AT).id

    ids = [edit(1, "a"), edit(2, "b"), edit(3, "a"), edit(None, "a"), edit(None, "b")]
    assert len(set(ids)) == 5
    assert edit(1, "a") == ids[0]
    assert edit(None, "b") == ids[4]


def test_what_instagram_does_not_show_is_still_a_message() -> None:
    (found,) = read(message(is_unsupported=True))
    assert isinstance(found, WebhookEvent)
    assert found.text == UNSUPPORTED


def test_a_tapped_button_says_its_title() -> None:
    (found,) = read(event(postback={"mid": "m3", "title": "ارسال دارید؟"}))
    assert found == WebhookEvent((SHOP,), SARA, "m3", "ارسال دارید؟")


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
        WebhookEvent(("0", SHOP), SARA, "m1", "wrapped"),
        SkipReason.CHANGE,
        WebhookEvent(("0", SHOP), SARA, "m1", "another app's", is_standby=True),
    ]


def test_nul_is_taken_out_of_texts() -> None:
    (found,) = read(message(text="a\0b"))
    assert isinstance(found, WebhookEvent)
    assert found.text == "ab"


MEMBERS = (
    *("entry", "id", "messaging", "changes", "field", "value", "sender", "recipient"),
    *("message", "mid", "text", "is_echo", "attachments", "type", "postback", "title"),
    *("payload", "url", "reply_to", "story", "message_edit", "is_deleted", "num_edit"),
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.sampled_from(["image", "share", "ig_post"]),
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
        if isinstance(found, WebhookEvent):
            assert build_event(CHANNEL, found, AT).mid == found.mid
        else:
            assert isinstance(found, SkipReason)


def test_the_same_mid_makes_the_same_event() -> None:
    incoming = WebhookEvent((SHOP,), SARA, "m1", "سلام")
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
    echoed = WebhookEvent((SHOP,), SARA, "m1", "x", EventKind.ECHO)
    echo = build_event(CHANNEL, echoed, AT)
    text = build_event(CHANNEL, WebhookEvent((SHOP,), SARA, "m1", "x"), AT)
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
    assert list(read_webhook(numbers)) == [WebhookEvent(("5",), "7", "m", "x")]


@pytest.mark.parametrize(
    ("late", "is_told"),
    [
        (timedelta(seconds=30), False),
        (timedelta(seconds=-30), False),
        (timedelta(hours=5), True),
        # Meta has given up by then: the clock is another's, or wrong.
        (timedelta(hours=40), False),
    ],
)
def test_what_came_late_says_when_it_was_written(
    late: timedelta, is_told: bool
) -> None:
    sent_ms = int((AT - late).timestamp() * 1000)
    post = {"type": "ig_post", "payload": {"title": "مانتو"}}
    told = {"mid": "m1", "text": "چنده؟", "attachments": [post]}
    for found in read(event(message=told, timestamp=sent_ms)):
        assert isinstance(found, WebhookEvent)
        built = build_event(CHANNEL, found, AT)
        assert isinstance(built, CustomerWrote | CustomerShared)
        assert built.written_at == (AT - late if is_told else None)


@pytest.mark.parametrize("timestamp", [None, "x", True, -1, 10**30, 1.5, [], {}])
def test_a_time_that_is_none_spoils_nothing(timestamp: object) -> None:
    (found,) = read(event(message={"mid": "m1", "text": "x"}, timestamp=timestamp))
    assert isinstance(found, WebhookEvent)
    built = build_event(CHANNEL, found, AT)
    assert isinstance(built, CustomerWrote)
    assert built.written_at is None
