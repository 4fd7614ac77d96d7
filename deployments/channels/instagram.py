"""Reads Instagram's webhooks: what is in one, who wrote, to which account."""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias, cast

from actors.conversation.events import CustomerWrote, EchoReceived
from actors.conversation.state import MessageType, Source
from persistence.channels import Channel
from persistence.ids import derive_conversation_id, derive_event_id

SIGNATURE_PREFIX = "sha256="
#: Longer than any id that Meta has given out; what is longer is no id.
MAX_ID_CHARS = 256

Json: TypeAlias = dict[str, object]


class Skip(StrEnum):
    """Why an event makes no message."""

    MALFORMED = "malformed"
    STANDBY = "standby"
    CHANGE = "change"
    EMPTY = "empty"
    DELETED = "deleted"
    SELF = "self"
    READ = "read"
    REACTION = "reaction"
    DELIVERY = "delivery"
    EDIT = "edit"
    REFERRAL = "referral"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message as the webhook tells it.

    `accounts` are the ids that may name the shop's account, the likeliest first.
    """

    accounts: tuple[str, ...]
    customer: str
    mid: str
    text: str
    message_type: MessageType = MessageType.TEXT
    is_echo: bool = False


#: What stands for an attachment that came without words.
PLACEHOLDERS = {
    "image": (MessageType.IMAGE, "[تصویر]"),
    "audio": (MessageType.VOICE, "[پیام صوتی]"),
    "voice": (MessageType.VOICE, "[پیام صوتی]"),
    "video": (MessageType.VIDEO, "[ویدئو]"),
    "file": (MessageType.TEXT, "[فایل]"),
    "like_heart": (MessageType.TEXT, "❤️"),
    "share": (MessageType.SHARE, "[پست/ریلز اینستاگرام]"),
    "ig_post": (MessageType.SHARE, "[پست/ریلز اینستاگرام]"),
    "ig_reel": (MessageType.SHARE, "[پست/ریلز اینستاگرام]"),
    "reel": (MessageType.SHARE, "[پست/ریلز اینستاگرام]"),
    "story_mention": (MessageType.SHARE, "[پست/ریلز اینستاگرام]"),
    "ig_story": (MessageType.SHARE, "[پست/ریلز اینستاگرام]"),
}
UNKNOWN_ATTACHMENT = (MessageType.TEXT, "[پیوست]")
UNSUPPORTED = "[پیامی که اینستاگرام نشان نمی‌دهد]"

#: The member that tells an event's kind, for events that make no message.
_OTHER_KINDS = {
    "read": Skip.READ,
    "reaction": Skip.REACTION,
    "delivery": Skip.DELIVERY,
    "message_edit": Skip.EDIT,
    "referral": Skip.REFERRAL,
}


def is_signed(secret: bytes, body: bytes, signature: str) -> bool:
    """Whether `X-Hub-Signature-256` fits the raw body."""
    if not signature.startswith(SIGNATURE_PREFIX):
        return False
    given = signature[len(SIGNATURE_PREFIX) :].encode("utf-8", "replace")
    expected = hmac.digest(secret, body, hashlib.sha256).hex().encode()
    return hmac.compare_digest(given, expected)


def read_webhook(payload: object) -> Iterator[Incoming | Skip]:
    """Read each event of a webhook, in order; none can spoil the others.

    Source: Meta, Messenger Platform and Instagram API webhook reference.
    """
    for entry in _objects(_object(payload).get("entry")):
        account = _id(entry)
        for event in _objects(entry.get("messaging")):
            yield _read_event(account, event)
        for change in _objects(entry.get("changes")):
            # Meta's "test" button, and some app types, wrap messages so.
            if change.get("field") == "messages":
                yield _read_event(account, _object(change.get("value")))
            else:
                yield Skip.CHANGE
        for _ in _objects(entry.get("standby")):
            # Another app holds the thread; the message is not ours to answer.
            yield Skip.STANDBY


def build_event(
    channel: Channel, incoming: Incoming, at: datetime
) -> CustomerWrote | EchoReceived:
    """Build the event; `at` is our clock, whatever the platform's says."""
    conversation_id = derive_conversation_id(channel.id, incoming.customer)
    if incoming.is_echo:
        return EchoReceived(
            id=derive_event_id(conversation_id, f"echo:{incoming.mid}"),
            conversation_id=conversation_id,
            at=at,
            tenant_id=channel.tenant_id,
            channel_id=channel.id,
            source=Source.INSTAGRAM,
            customer=incoming.customer,
            mid=incoming.mid,
            text=incoming.text,
        )
    return CustomerWrote(
        id=derive_event_id(conversation_id, incoming.mid),
        conversation_id=conversation_id,
        at=at,
        tenant_id=channel.tenant_id,
        channel_id=channel.id,
        source=Source.INSTAGRAM,
        customer=incoming.customer,
        mid=incoming.mid,
        text=incoming.text,
        message_type=incoming.message_type,
    )


def _read_event(account: str, event: Json) -> Incoming | Skip:
    sender, recipient = _id(event.get("sender")), _id(event.get("recipient"))
    if "message" in event:
        return _read_message(account, sender, recipient, _object(event["message"]))
    if "postback" in event:
        # A tap on an ice breaker or a button: the customer said its title.
        postback = _object(event["postback"])
        mid, title = _identifier(postback.get("mid")), _text(postback.get("title"))
        if not (sender and mid and title):
            return Skip.MALFORMED
        return Incoming(_accounts(account, recipient), sender, mid, title)
    for name, reason in _OTHER_KINDS.items():
        if name in event:
            return reason
    return Skip.OTHER


def _read_message(
    account: str, sender: str, recipient: str, message: Json
) -> Incoming | Skip:
    if message.get("is_deleted") is True:
        return Skip.DELETED
    if message.get("is_self") is True or (sender and sender == recipient):
        return Skip.SELF
    mid = _identifier(message.get("mid"))
    if not (sender and recipient and mid):
        return Skip.MALFORMED
    text = _text(message.get("text"))
    message_type = MessageType.TEXT
    attachments = _objects(message.get("attachments"))
    if attachments:
        kind = attachments[0].get("type")
        found = PLACEHOLDERS.get(kind) if isinstance(kind, str) else None
        message_type, placeholder = found or UNKNOWN_ATTACHMENT
        text = text or placeholder
    elif not text and message.get("is_unsupported") is True:
        text = UNSUPPORTED
    if not text:
        return Skip.EMPTY
    if message.get("is_echo") is True:
        accounts = _accounts(account, sender)
        return Incoming(accounts, recipient, mid, text, message_type, is_echo=True)
    return Incoming(_accounts(account, recipient), sender, mid, text, message_type)


def _accounts(*ids: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found for found in ids if found))


def _object(value: object) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}


def _objects(value: object) -> list[Json]:
    if not isinstance(value, list):
        return []
    return [_object(item) for item in value]


def _id(value: object) -> str:
    return _identifier(_object(value).get("id"))


def _identifier(value: object) -> str:
    """Read an id; numbers are taken as well, what can't be one is empty."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    text = value if isinstance(value, str) else ""
    return text if len(text) <= MAX_ID_CHARS and "\0" not in text else ""


def _text(value: object) -> str:
    # PostgreSQL's text can't hold NUL: one such letter would refuse the message.
    text = value.replace("\0", "") if isinstance(value, str) else ""
    return text if text.strip() else ""
