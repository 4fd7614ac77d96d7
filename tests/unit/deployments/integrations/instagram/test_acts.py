"""Whatever a customer does on Instagram is stored, in every form that Meta sends."""

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
from actors.conversation.rules.placeholders import UNSUPPORTED, Note, has_placeholder
from actors.conversation.state import MessageType
from deployments.integrations.instagram.building import build_event
from deployments.integrations.instagram.incoming import (
    PUBLIC_FIELDS,
    SKIPPED,
    EventKind,
    SkipReason,
    WebhookEvent,
)
from deployments.integrations.instagram.reading import read_webhook
from tests.support.instagram_events import AT, CHANNEL, SARA, SHOP, event, message, read


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"message_edit": {"mid": "m"}}, "[پیام ناشناخته از نوع message_edit]"),
        ({"message": {"is_deleted": True}}, "[پیام ناشناخته از نوع message]"),
        ({"message": {"mid": "m", "text": " \0 "}}, UNSUPPORTED),
        ({"message": {"mid": "m"}}, UNSUPPORTED),
        ({"message": {"mid": "m", "is_unsupported": True}}, UNSUPPORTED),
        ({"message": {"mid": "m", "is_unsupported": "true"}}, UNSUPPORTED),
        ({"message": {"mid": "m", "attachments": {"type": "x"}}}, UNSUPPORTED),
        ({"message": "text"}, UNSUPPORTED),
        ({"message": {"text": "no id"}}, "no id"),
        ({"message": {"mid": "m" * 257, "text": "x"}}, "x"),
        (
            {"message_edit": {"text": "no id"}},
            "[پیام ناشناخته از نوع message_edit]\nno id",
        ),
        ({"postback": {"title": "no id"}}, "no id"),
        (
            {"postback": {"mid": "m", "payload": "ASK"}},
            "[پیام ناشناخته از نوع postback ASK]",
        ),
        (
            {"message": {"mid": "m", "quick_reply": {"payload": "YES"}}},
            "[پیام ناشناخته از نوع quick_reply YES]",
        ),
        ({"something_new": {}}, "[پیام ناشناخته از نوع something_new]"),
        ({"some\0\n[thing]": 1}, "[پیام ناشناخته از نوع some thing]"),
        ({"[]": 1}, Note.UNKNOWN),
        ({}, Note.UNKNOWN),
        (
            {"form_reply": {"text": "سایز ۴۲"}},
            "[پیام ناشناخته از نوع form_reply]\nسایز ۴۲",
        ),
        ({"optin": {"type": "notification_messages"}}, "[پیام ناشناخته از نوع optin]"),
    ],
)
def test_y4_what_has_no_known_form_is_stored_and_says_what_it_was(
    fields: dict[str, object], text: str
) -> None:
    before, found, after = read(
        message(text="before"), event(**fields), message(text="after")
    )
    assert isinstance(found, WebhookEvent)
    assert found.text == text
    assert (found.customer, found.kind) == (SARA, EventKind.WROTE)
    assert found.text in {"no id", "x"} or has_placeholder(found.text)
    assert found.mid
    assert read(event(**fields)) == [found]
    for other in (before, after):
        assert isinstance(other, WebhookEvent)
        assert other.mid != found.mid


@pytest.mark.parametrize(
    "fields",
    [
        {"sender": {}},
        {"sender": {"id": SHOP}, "something_new": {}},
        {"sender": {"id": SHOP}, "message_edit": {}},
        {"sender": {"id": SHOP}, "postback": {"title": "x"}},
        {"sender": {"id": SHOP}, "referral": {"ref": "x"}},
    ],
)
def test_an_act_of_no_customer_is_not_stored(fields: dict[str, object]) -> None:
    (found,) = read({**event(), **fields})
    assert found in {SkipReason.MALFORMED, SkipReason.SELF}


@pytest.mark.parametrize(
    ("attachment", "text"),
    [
        ({"type": "ephemeral"}, "[پیوست از نوع ephemeral]"),
        (
            {"type": "unsupported_type", "payload": None},
            "[پیوست از نوع unsupported_type]",
        ),
        ({"type": "appointment_booking"}, "[پیوست از نوع appointment_booking]"),
        ({"type": "fallback"}, "[پیوست از نوع fallback]"),
        ({"type": "template", "payload": {}}, "[پیوست از نوع template]"),
    ],
)
def test_an_attachment_of_an_unknown_type_is_named(
    attachment: dict[str, object], text: str
) -> None:
    (alone,) = read(message(attachments=[attachment]))
    assert isinstance(alone, WebhookEvent)
    assert (alone.text, alone.message_type) == (text, MessageType.TEXT)
    (beside,) = read(message(text="این چیه؟", attachments=[attachment]))
    assert isinstance(beside, WebhookEvent)
    assert beside.text == f"این چیه؟\n{text}"
    assert has_placeholder(beside.text)


@pytest.mark.parametrize(
    "attachments",
    [
        [
            {"type": "image", "payload": {"url": "u", "sticker_id": 3}},
            {"type": "sticker", "payload": {"url": "u", "sticker_id": 3}},
        ],
        [{"type": "sticker", "payload": {"url": "u", "sticker_id": 3}}],
    ],
)
def test_a_sticker_is_one_picture(attachments: list[object]) -> None:
    (found,) = read(message(attachments=attachments))
    assert isinstance(found, WebhookEvent)
    assert found.message_type is MessageType.IMAGE
    assert found.media == (Media(MessageType.IMAGE, "u", "3"),)


TAP = {"mid": "m7", "title": "هزینه ارسال چقدره؟", "payload": "ASK_SHIPPING"}


@pytest.mark.parametrize(
    "timestamp", [1_767_225_600, "1767225600", 1_767_225_600_000, "1767225600000"]
)
def test_y4_a_tap_in_both_shapes_is_one_message(timestamp: object) -> None:
    tapped = event(postback=TAP, timestamp=timestamp)
    change = {"field": "messaging_postbacks", "value": tapped}
    entry = {"id": SHOP, "messaging": [tapped], "changes": [change]}
    told, wrapped = read_webhook({"entry": [entry]})
    assert told == wrapped
    assert isinstance(told, WebhookEvent)
    assert (told.text, told.mid) == ("هزینه ارسال چقدره؟", "m7")
    assert told.sent_ms == 1_767_225_600_000


def test_a_tap_without_an_id_in_both_shapes_is_one_message() -> None:
    tap = {"title": "ارسال", "payload": "A"}
    told = event(postback=tap, timestamp=1_767_225_600_000)
    wrapped = event(postback=tap, timestamp="1767225600")
    change = {"field": "messaging_postbacks", "value": wrapped}
    entry = {"id": SHOP, "messaging": [told], "changes": [change]}
    first, second = read_webhook({"entry": [entry]})
    assert first == second
    (later,) = read(event(postback=tap, timestamp=1_767_225_700_000))
    assert isinstance(first, WebhookEvent)
    assert isinstance(later, WebhookEvent)
    assert first.mid != later.mid


AD = {
    "ref": "winter",
    "source": "ADS",
    "ads_context_data": {"ad_title": "مانتو لینن آوین", "photo_url": "https://cdn/a"},
}


@pytest.mark.parametrize(
    ("referral", "referred"),
    [
        (AD, "مانتو لینن آوین"),
        ({"product": {"id": 77}}, "کد کالا: 77"),
        ({**AD, "product": {"id": "77"}}, "مانتو لینن آوین\nکد کالا: 77"),
        ({"ref": "winter", "source": "SHORTLINKS"}, "لینک: winter"),
        ({"source": "ADS"}, "لینک: ADS"),
        ({"ads_context_data": {"ad_title": " "}}, ""),
        ("nonsense", ""),
    ],
)
def test_what_a_customer_comes_from_travels_beside_the_words(
    referral: object, referred: str
) -> None:
    for fields in (
        {"message": {"mid": "m1", "text": "چنده؟", "referral": referral}},
        {"message": {"mid": "m1", "text": "چنده؟"}, "referral": referral},
        {"postback": {"mid": "m1", "title": "چنده؟", "referral": referral}},
        {"postback": {"mid": "m1", "title": "چنده؟"}, "referral": referral},
    ):
        (found,) = read(event(**fields))
        assert isinstance(found, WebhookEvent)
        assert (found.text, found.referred) == ("چنده؟", referred)
        wrote = build_event(CHANNEL, found, AT)
        assert isinstance(wrote, CustomerWrote)
        assert wrote.referred == referred


@pytest.mark.parametrize(
    "fields", [{"referral": AD}, {"message": {"mid": "m1", "referral": AD}}]
)
def test_a_tap_on_an_ad_waits_for_its_question_as_a_share_does(
    fields: dict[str, object],
) -> None:
    (found,) = read(event(**fields))
    assert isinstance(found, WebhookEvent)
    shared = build_event(CHANNEL, found, AT)
    assert isinstance(shared, CustomerShared)
    assert shared.content == "مانتو لینن آوین"
    assert read(event(**fields)) == [found]


def test_what_another_app_leads_is_stored_as_such() -> None:
    echo = {
        "sender": {"id": SHOP},
        "recipient": {"id": SARA},
        "message": {"mid": "m2", "text": "بله", "is_echo": True},
    }
    standby = [
        message(text="سلام", attachments=[{"type": "share"}]),
        echo,
        event(postback={"mid": "m3", "title": "ارسال"}),
        event(read={"mid": "m"}),
    ]
    found = list(read_webhook({"entry": [{"id": SHOP, "standby": standby}]}))
    events = [one for one in found if isinstance(one, WebhookEvent)]
    assert [one.is_standby for one in events] == [True] * 4
    built = [build_event(CHANNEL, one, AT) for one in events]
    kinds = (CustomerWrote, CustomerShared, EchoReceived)
    assert all(isinstance(one, kinds) and one.is_standby for one in built)
    assert found[-1] is SkipReason.READ


def test_a_list_of_events_under_an_unknown_name_is_read() -> None:
    entry = {"id": SHOP, "time": 1, "messages_v2": [message(text="سلام")], "x": 3}
    assert list(read_webhook({"entry": [entry]})) == [
        WebhookEvent((SHOP,), SARA, "m1", "سلام")
    ]


#: Members of an event by what Meta documents, each with values of its usual shape.
#: Source: Meta, Messenger Platform, webhook events reference.
ATTACHMENT_TYPES = (
    *("image", "video", "audio", "file", "sticker", "like_heart", "ephemeral"),
    *("share", "ig_post", "post", "reel", "ig_reel", "story_mention", "ig_story"),
    *("fallback", "template", "appointment_booking", "unsupported_type"),
)
IDS = st.text("abc123", min_size=1, max_size=3)
WORDS = st.sampled_from(("", " ", "قیمت؟", "\0", "[تصویر]"))
UNKNOWN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.text(max_size=5) | st.just("text"), inner, max_size=2)
    ),
    max_leaves=5,
)
FLAG = st.sampled_from((True, False, "true", "false", None))
ATTACHMENT = st.fixed_dictionaries(
    {"type": st.sampled_from(ATTACHMENT_TYPES) | UNKNOWN},
    optional={
        "payload": st.fixed_dictionaries(
            {},
            optional={"url": IDS, "title": WORDS, "id": IDS | UNKNOWN, "new": UNKNOWN},
        )
        | UNKNOWN
    },
)
REFERRAL = st.fixed_dictionaries(
    {},
    optional={
        "ref": IDS,
        "ads_context_data": st.fixed_dictionaries({}, optional={"ad_title": WORDS}),
        "product": st.fixed_dictionaries({}, optional={"id": IDS}) | UNKNOWN,
    },
)
MESSAGE = st.fixed_dictionaries(
    {},
    optional={
        "mid": IDS | UNKNOWN,
        "text": WORDS | UNKNOWN,
        "attachments": st.lists(ATTACHMENT | UNKNOWN, max_size=4) | UNKNOWN,
        "is_unsupported": FLAG,
        "is_deleted": FLAG,
        "quick_reply": st.fixed_dictionaries({}, optional={"payload": IDS}) | UNKNOWN,
        "reply_to": st.fixed_dictionaries({}, optional={"mid": IDS, "story": UNKNOWN}),
        "referral": REFERRAL | UNKNOWN,
        "new_member": UNKNOWN,
    },
)
POSTBACK = st.fixed_dictionaries(
    {}, optional={"mid": IDS, "title": WORDS, "payload": WORDS, "referral": REFERRAL}
)
EDIT = st.fixed_dictionaries(
    {}, optional={"mid": IDS, "text": WORDS, "num_edit": st.integers(0, 5) | UNKNOWN}
)
#: What a customer did, by the documented members and by ones that are to come.
ACTS = st.one_of(
    st.fixed_dictionaries({"message": MESSAGE | UNKNOWN}),
    st.fixed_dictionaries({"message": MESSAGE, "referral": REFERRAL, "new": UNKNOWN}),
    st.fixed_dictionaries({"postback": POSTBACK | UNKNOWN}),
    st.fixed_dictionaries({"message_edit": EDIT | UNKNOWN}),
    st.fixed_dictionaries({"referral": REFERRAL | UNKNOWN}),
    *(
        st.fixed_dictionaries({name: UNKNOWN})
        for name in ("optin", "account_linking", "game_play", "messaging_feedback")
    ),
    st.dictionaries(st.text(min_size=1, max_size=8), UNKNOWN, min_size=1, max_size=2),
)
PLACES = st.sampled_from(("messaging", "standby", "messaging_v2", "changes"))
TIMES = st.sampled_from((None, 0, 1_767_225_600_000, "1767225600", "soon"))


def wrap(place: str, told: dict[str, object]) -> dict[str, object]:
    """Put an event where Meta puts it."""
    if place == "changes":
        return {"id": SHOP, "changes": [{"field": "new_field", "value": told}]}
    return {"id": SHOP, place: [told]}


@given(act=ACTS, place=PLACES, timestamp=TIMES)
def test_whatever_a_customer_did_is_stored_or_on_the_closed_list(
    act: dict[str, object], place: str, timestamp: object
) -> None:
    told = {**act, **event(), "timestamp": timestamp}
    found = list(read_webhook({"entry": [wrap(place, told)]}))
    stored = [one for one in found if isinstance(one, WebhookEvent)]
    if not stored:
        # Only what nobody wrote, under the names of the closed list.
        assert SKIPPED.keys() & act.keys()
        assert set(found) <= set(SKIPPED.values())
        return
    # Nothing that is stored is empty, and it is the same when it comes again.
    for one in stored:
        built = build_event(CHANNEL, one, AT)
        assert (one.customer, one.is_standby) == (SARA, place == "standby")
        assert "\0" not in one.text
        match built:
            case CustomerWrote():
                assert built.text or built.media
            case CustomerShared():
                assert built.content
            case MessageEdited():
                assert built.text
            case _:
                assert isinstance(built, MessageUnsent)
    assert list(read_webhook({"entry": [wrap(place, told)]})) == found
    words = act.get("message", act.get("postback"))
    text = words.get("text", words.get("title")) if isinstance(words, dict) else None
    if isinstance(text, str) and text.strip("\0 \n\t") == "قیمت؟":
        is_unsent = stored[0].kind is EventKind.UNSENT
        assert is_unsent or any(text in one.text for one in stored)


@pytest.mark.parametrize("name", sorted(SKIPPED))
def test_each_fact_of_the_closed_list_is_skipped_for_its_reason(name: str) -> None:
    assert read(event(**{name: {"mid": "m"}})) == [SKIPPED[name]]


@pytest.mark.parametrize("field", sorted(PUBLIC_FIELDS))
def test_what_is_public_is_no_message(field: str) -> None:
    change = {"field": field, "value": {"from": {"id": SARA}, "text": "چنده؟"}}
    entry = {"id": SHOP, "changes": [change]}
    assert list(read_webhook({"entry": [entry]})) == [SkipReason.CHANGE]
