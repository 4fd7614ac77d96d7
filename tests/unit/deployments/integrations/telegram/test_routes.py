"""Topics, and the owner's own account: where a message came from, and who wrote it."""

import pytest

from actors.conversation.events import (
    CustomerWrote,
    EchoReceived,
    MessageEdited,
    MessageUnsent,
    echo_message_id,
)
from deployments.integrations.telegram.reading import (
    SkipReason,
    WebhookEvent,
    build_event,
    read_webhook,
)
from deployments.integrations.telegram.routes import read_route, write_route
from tests.support.servers.telegram_server import build_message
from tests.unit.deployments.integrations.telegram.test_reading import (
    AT,
    CHANNEL,
    SARA,
)

OWNER: dict[str, object] = {"id": 42, "is_bot": False, "first_name": "آوین"}


def business(
    kind: str = "business_message",
    writer: dict[str, object] | None = None,
    **content: object,
) -> dict[str, object]:
    message = build_message(73, SARA, business_connection_id="bc1", **content)
    return {"update_id": 9, kind: {**message, "from": writer or message["from"]}}


def build(payload: object) -> object:
    (found,) = read_webhook(payload)
    assert isinstance(found, WebhookEvent)
    return build_event(CHANNEL, found, AT)


@pytest.mark.parametrize(
    ("message", "route"),
    [
        ({}, {}),
        ({"message_thread_id": 5}, {}),
        (
            {"message_thread_id": 5, "is_topic_message": True},
            {"message_thread_id": 5},
        ),
        ({"business_connection_id": "b=c&1"}, {"business_connection_id": "b=c&1"}),
        (
            {
                "business_connection_id": "bc1",
                "message_thread_id": 5,
                "is_topic_message": True,
            },
            {"business_connection_id": "bc1", "message_thread_id": 5},
        ),
        ({"message_thread_id": "5", "is_topic_message": True}, {}),
    ],
)
def test_a_route_is_read_as_it_was_written(
    message: dict[str, object], route: dict[str, object]
) -> None:
    assert read_route(write_route(message)) == route


@pytest.mark.parametrize("route", ["x", "chat_id=1", "message_thread_id=x", "&&="])
def test_a_route_names_nothing_else(route: str) -> None:
    assert read_route(route) == {}


def test_a_message_to_the_owners_account_is_the_customers() -> None:
    event = build(business(text="هزینه ارسال چقدره؟"))
    assert isinstance(event, CustomerWrote)
    assert (event.customer, event.mid) == ("7001", "123456789:bc1:73")
    assert read_route(event.route) == {"business_connection_id": "bc1"}


def test_what_the_owner_writes_there_is_the_owners_answer() -> None:
    event = build(business(text="سلام", writer=OWNER))
    assert isinstance(event, EchoReceived)
    assert event.id == echo_message_id(event.conversation_id, event.mid)
    edit = build(business("edited_business_message", text="درود", writer=OWNER))
    assert isinstance(edit, MessageEdited)
    assert edit.is_ours
    assert edit.mid == event.mid


def test_a_customers_edit_there_is_the_customers() -> None:
    event = build(business("edited_business_message", text="درود"))
    assert isinstance(event, MessageEdited)
    assert not event.is_ours


def test_what_our_bot_sends_there_is_our_own() -> None:
    sent = business(text="سلام", sender_business_bot={"id": 1}, writer=OWNER)
    assert list(read_webhook(sent)) == [SkipReason.SELF]


def test_messages_that_were_deleted_there_are_taken_back() -> None:
    deleted = {
        "business_connection_id": "bc1",
        "chat": {"id": SARA, "type": "private"},
        "message_ids": [73, "x", 74],
    }
    found = list(read_webhook({"update_id": 9, "deleted_business_messages": deleted}))
    built = [build_event(CHANNEL, one, AT) for one in found if not isinstance(one, str)]
    assert all(isinstance(event, MessageUnsent) for event in built)
    assert [event.mid for event in built] == ["123456789:bc1:73", "123456789:bc1:74"]
    assert len({event.id for event in built}) == 2


@pytest.mark.parametrize("deleted", [{}, {"chat": {"id": 1}}, {"message_ids": [1]}])
def test_a_deletion_of_nothing_is_malformed(deleted: object) -> None:
    update = {"update_id": 9, "deleted_business_messages": deleted}
    assert list(read_webhook(update)) == [SkipReason.MALFORMED]


def test_an_album_and_its_reply_keep_their_account() -> None:
    reply = {"message_id": 70}
    event = build(
        business(photo=[{"file_id": "p"}], media_group_id="88", reply_to_message=reply)
    )
    assert isinstance(event, CustomerWrote)
    assert event.album == "88"
    assert event.reply_to_mid == "123456789:bc1:70"
