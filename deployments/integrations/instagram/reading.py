"""Instagram's webhooks as events: the parsing of every kind that Meta delivers."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias, TypeVar, assert_never

from actors.conversation import events
from actors.conversation.rules.placeholders import UNSUPPORTED
from actors.conversation.state import MessageType, Source
from deployments.integrations.instagram.attachments import Attached, read_attachments
from deployments.integrations.lenient_json import (
    Json,
    read_identifier,
    read_object,
    read_objects,
    read_text,
)
from persistence.channels import Channel
from persistence.ids import EventId, derive_conversation_id, derive_event_id

#: An event within this is on time; the clocks differ a little.
PUNCTUAL_S = 60.0
#: Meta gives up after 36 hours: an older time stamp must be wrong.
GIVEN_UP_AFTER_S = 36 * 3600.0

InstagramEvent: TypeAlias = (
    events.CustomerWrote
    | events.CustomerShared
    | events.EchoReceived
    | events.MessageUnsent
    | events.MessageEdited
)
InboundT = TypeVar("InboundT", bound=events.Inbound)


class SkipReason(StrEnum):
    """The reason why an event is skipped."""

    MALFORMED = "malformed"
    STANDBY = "standby"
    CHANGE = "change"
    EMPTY = "empty"
    SELF = "self"
    READ = "read"
    REACTION = "reaction"
    DELIVERY = "delivery"
    REFERRAL = "referral"
    OTHER = "other"


class EventKind(StrEnum):
    """The kinds of events that are stored."""

    WROTE = "wrote"
    SHARED = "shared"
    ECHO = "echo"
    UNSENT = "unsent"
    EDITED = "edited"


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """An event of a webhook, before its channel is known.

    `accounts` are the ids that may name the shop's account, the likeliest first. A
    message with a shared post and with words is two events: the share, then the words.
    """

    accounts: tuple[str, ...]
    customer: str
    mid: str
    text: str
    kind: EventKind = EventKind.WROTE
    message_type: MessageType = MessageType.TEXT
    media: tuple[events.Media, ...] = ()
    reply_to_mid: str | None = None
    #: Sent in the shop's name.
    is_ours: bool = False
    #: Identifies one of several edits of a message, and orders them.
    edit: str = ""
    edit_order: int = 0
    #: By Meta's clock, in milliseconds; 0 where it does not say.
    sent_ms: int = 0


#: Skipped events, by the member that names their kind.
_OTHER_KINDS = {
    "read": SkipReason.READ,
    "reaction": SkipReason.REACTION,
    "delivery": SkipReason.DELIVERY,
    "referral": SkipReason.REFERRAL,
}


def read_webhook(payload: object) -> Iterator[WebhookEvent | SkipReason]:
    """Read each event of a webhook, in order; a malformed one spoils no other.

    Source: Meta, Messenger Platform and Instagram API webhook reference.
    """
    for entry in read_objects(read_object(payload).get("entry")):
        account = _read_id(entry)
        for event in read_objects(entry.get("messaging")):
            yield from _read_event(account, event)
        for change in read_objects(entry.get("changes")):
            # Meta's "test" button and some app types wrap messages in changes.
            if change.get("field") in {"messages", "message_edit"}:
                yield from _read_event(account, read_object(change.get("value")))
            else:
                yield SkipReason.CHANGE
        for _ in read_objects(entry.get("standby")):
            # Another app holds the thread; the message is not ours to answer.
            yield SkipReason.STANDBY


def build_event(
    channel: Channel, incoming: WebhookEvent, at: datetime
) -> InstagramEvent:
    """Build the event; `at` is our clock, whatever the platform's says."""
    thread = derive_conversation_id(channel.id, incoming.customer)
    mid, text, media = incoming.mid, incoming.text, incoming.media

    shared_fields = _shared_fields(channel, incoming, at)

    def build(
        event: Callable[..., InboundT], event_id: EventId, **own: object
    ) -> InboundT:
        return event(id=event_id, **shared_fields, **own)

    match incoming.kind:
        case EventKind.WROTE:
            return build(
                events.CustomerWrote,
                events.customer_message_id(thread, mid),
                text=text,
                message_type=incoming.message_type,
                media=media,
                reply_to_mid=incoming.reply_to_mid,
                written_at=_find_writing(incoming.sent_ms, at),
            )
        case EventKind.SHARED:
            event_id = events.share_message_id(thread, mid)
            return build(
                events.CustomerShared,
                event_id,
                content=text,
                media=media,
                written_at=_find_writing(incoming.sent_ms, at),
            )
        case EventKind.ECHO:
            return build(
                events.EchoReceived,
                events.echo_message_id(thread, mid),
                text=text,
                message_type=incoming.message_type,
                media=media,
            )
        case EventKind.UNSENT:
            event_id = derive_event_id(thread, f"unsent:{mid}")
            return build(events.MessageUnsent, event_id, is_ours=incoming.is_ours)
        case EventKind.EDITED:
            event_id = derive_event_id(thread, f"edited:{mid}:{incoming.edit}")
            return build(
                events.MessageEdited,
                event_id,
                text=text,
                is_ours=incoming.is_ours,
                order=incoming.edit_order,
            )
        case _:
            assert_never(incoming.kind)


def _shared_fields(
    channel: Channel, incoming: WebhookEvent, at: datetime
) -> Mapping[str, object]:
    """Return the fields that all events of a webhook have."""
    return {
        "conversation_id": derive_conversation_id(channel.id, incoming.customer),
        "at": at,
        "tenant_id": channel.tenant_id,
        "channel_id": channel.id,
        "source": Source.INSTAGRAM,
        "customer": incoming.customer,
        "mid": incoming.mid,
    }


def _find_writing(sent_ms: int, at: datetime) -> datetime | None:
    """Return when a late message was written; None for one that came at once."""
    late_s = at.timestamp() - sent_ms / 1000
    if not PUNCTUAL_S < late_s < GIVEN_UP_AFTER_S:
        return None
    return at - timedelta(seconds=late_s)


def _read_event(account: str, event: Json) -> Iterator[WebhookEvent | SkipReason]:
    sender, recipient = _read_id(event.get("sender")), _read_id(event.get("recipient"))
    if "message" in event:
        message = read_object(event["message"])
        sent_ms = _read_time(event)
        yield from _read_message(account, sender, recipient, message, sent_ms)
    elif "message_edit" in event:
        edit = read_object(event["message_edit"])
        yield _read_edit(account, sender, recipient, edit, _read_time(event))
    elif "postback" in event:
        postback = read_object(event["postback"])
        yield _read_postback(account, sender, recipient, postback, _read_time(event))
    else:
        known = (reason for name, reason in _OTHER_KINDS.items() if name in event)
        yield next(known, SkipReason.OTHER)


def _read_message(
    account: str, sender: str, recipient: str, message: Json, sent_ms: int
) -> Iterator[WebhookEvent | SkipReason]:
    if message.get("is_self") is True or (sender and sender == recipient):
        yield SkipReason.SELF
        return
    mid = read_identifier(message.get("mid"))
    if not (sender and recipient and mid):
        yield SkipReason.MALFORMED
        return
    is_ours = message.get("is_echo") is True or sender == account
    customer = recipient if is_ours else sender
    accounts = _accounts(account, sender if is_ours else recipient)
    if message.get("is_deleted") is True:
        yield WebhookEvent(
            accounts, customer, mid, "", EventKind.UNSENT, is_ours=is_ours
        )
        return
    attached = read_attachments(message)
    text = read_text(message.get("text")) or attached.text
    if not text and message.get("is_unsupported") is True:
        text = UNSUPPORTED
    if is_ours:
        yield _read_echo(accounts, customer, mid, text, attached)
        return
    if attached.share is not None:
        media = attached.share_media
        yield WebhookEvent(
            accounts,
            customer,
            mid,
            attached.share,
            EventKind.SHARED,
            MessageType.SHARE,
            media,
            sent_ms=sent_ms,
        )
    if text or attached.media:
        yield WebhookEvent(
            accounts,
            customer,
            mid,
            text,
            message_type=attached.message_type,
            media=attached.media,
            reply_to_mid=_read_reply_to(message),
            sent_ms=sent_ms,
        )
    elif attached.share is None:
        yield SkipReason.EMPTY


def _read_echo(
    accounts: tuple[str, ...], customer: str, mid: str, text: str, attached: Attached
) -> WebhookEvent | SkipReason:
    """Read what was sent in the shop's name: by us, or by the owner in the app."""
    message_type = attached.message_type
    if attached.share is not None:
        text, message_type = text or attached.share, MessageType.SHARE
    media = (*attached.share_media, *attached.media)
    if not text and not media:
        return SkipReason.EMPTY
    return WebhookEvent(
        accounts, customer, mid, text, EventKind.ECHO, message_type, media
    )


def _read_edit(
    account: str, sender: str, recipient: str, edit: Json, sent_ms: int
) -> WebhookEvent | SkipReason:
    mid, text = read_identifier(edit.get("mid")), read_text(edit.get("text"))
    if not (sender and recipient and mid and text):
        return SkipReason.MALFORMED
    is_ours = sender == account
    number = read_identifier(edit.get("num_edit"))
    # Without a number, time and words tell one edit from the next.
    words = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    return WebhookEvent(
        _accounts(account, sender if is_ours else recipient),
        recipient if is_ours else sender,
        mid,
        text,
        EventKind.EDITED,
        is_ours=is_ours,
        edit=number or f"{sent_ms}:{words}",
        edit_order=_read_order(number) or sent_ms,
    )


def _read_time(event: Json) -> int:
    sent_ms = event.get("timestamp")
    return sent_ms if type(sent_ms) is int and 0 < sent_ms < 2**53 else 0


def _read_order(number: str) -> int:
    """Read a count; 0 for what is none, or more than fits."""
    is_number = number.isascii() and number.isdecimal() and len(number) < 16
    return int(number) if is_number else 0


def _read_postback(
    account: str, sender: str, recipient: str, postback: Json, sent_ms: int
) -> WebhookEvent | SkipReason:
    """Read a tap on an ice breaker or a button: the customer said its title."""
    mid, title = read_identifier(postback.get("mid")), read_text(postback.get("title"))
    if not (sender and mid and title):
        return SkipReason.MALFORMED
    return WebhookEvent(
        _accounts(account, recipient), sender, mid, title, sent_ms=sent_ms
    )


def _read_reply_to(message: Json) -> str | None:
    reply_to = message.get("reply_to")
    return read_identifier(read_object(reply_to).get("mid")) or None


def _accounts(*ids: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, ids)))


def _read_id(value: object) -> str:
    return read_identifier(read_object(value).get("id"))
