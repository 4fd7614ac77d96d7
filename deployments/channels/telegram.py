"""Reads Telegram's updates: who wrote what to a bot, in which order."""

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias, cast

from actors.conversation.events import CustomerWrote, Media, MessageEdited
from actors.conversation.state import MessageType, Source
from persistence.channels import Channel
from persistence.ids import derive_conversation_id, derive_event_id

#: An update holds one message of at most 4096 characters, and what it answers.
MAX_WEBHOOK_BYTES = 256 * 1024
#: What `setWebhook` subscribes to. All else is taken, counted and left.
ALLOWED_UPDATES = ("message", "edited_message")

Json: TypeAlias = dict[str, object]


class Skip(StrEnum):
    """Why an update makes no event."""

    MALFORMED = "malformed"
    GROUP = "group"
    SELF = "self"
    SERVICE = "service"
    EDIT = "edit"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message as the update tells it; `customer` is the private chat's id."""

    update_id: int
    customer: str
    mid: str
    text: str
    message_type: MessageType = MessageType.TEXT
    media: tuple[Media, ...] = ()
    reply_to_mid: str | None = None
    is_edit: bool = False


#: Files, by the member that holds one: how it is shown, and what stands for it when it
#: came without words. An animation comes as a document too, so the order counts.
FILES: Mapping[str, tuple[MessageType, str]] = {
    "photo": (MessageType.IMAGE, "[تصویر]"),
    "voice": (MessageType.VOICE, "[پیام صوتی]"),
    "audio": (MessageType.VOICE, "[پیام صوتی]"),
    "video": (MessageType.VIDEO, "[ویدئو]"),
    "video_note": (MessageType.VIDEO, "[ویدئو]"),
    "animation": (MessageType.VIDEO, "[ویدئو]"),
    # Said with a picture, but it says what its emoji says.
    "sticker": (MessageType.TEXT, "[استیکر]"),
    "document": (MessageType.TEXT, "[فایل]"),
}
#: What a customer can send that we can't show: better a sign of it than nothing.
UNSHOWN = frozenset(
    {"story", "paid_media", "checklist", "invoice", "giveaway", "poll", "game"}
)
UNKNOWN_CONTENT = "[پیوست]"


def is_from_telegram(secret: str, given: str) -> bool:
    """Whether `X-Telegram-Bot-Api-Secret-Token` is the channel's secret."""
    return bool(secret) and hmac.compare_digest(
        secret.encode(), given.encode("utf-8", "replace")
    )


def read_webhook(payload: object) -> Iterator[Incoming | Skip]:
    """Read the one update of a webhook.

    Source: Telegram, Bot API, Update and Message.
    """
    update = _object(payload)
    update_id = _number(update.get("update_id"))
    if update_id is None:
        yield Skip.MALFORMED
    elif "message" in update:
        yield _read_message(update_id, _object(update["message"]))
    elif "edited_message" in update:
        yield _read_edit(update_id, _object(update["edited_message"]))
    else:
        yield Skip.OTHER


def build_event(
    channel: Channel, incoming: Incoming, at: datetime
) -> CustomerWrote | MessageEdited:
    """Build the event; `at` is our clock, whatever the platform's says."""
    conversation_id = derive_conversation_id(channel.id, incoming.customer)
    event_id = derive_event_id(conversation_id, f"update:{incoming.update_id}")
    if incoming.is_edit:
        return MessageEdited(
            id=event_id,
            conversation_id=conversation_id,
            at=at,
            tenant_id=channel.tenant_id,
            channel_id=channel.id,
            source=Source.TELEGRAM,
            customer=incoming.customer,
            mid=incoming.mid,
            text=incoming.text,
        )
    return CustomerWrote(
        id=event_id,
        conversation_id=conversation_id,
        at=at,
        tenant_id=channel.tenant_id,
        channel_id=channel.id,
        source=Source.TELEGRAM,
        customer=incoming.customer,
        mid=incoming.mid,
        text=incoming.text,
        message_type=incoming.message_type,
        media=incoming.media,
        order=incoming.update_id,
        reply_to_mid=incoming.reply_to_mid,
    )


def _read_message(update_id: int, message: Json) -> Incoming | Skip:
    found = _read_sender(message)
    if isinstance(found, Skip):
        return found
    customer, mid = found
    message_type, text, media = _read_content(message)
    if not text:
        # A pinned message, a changed title, an accepted permission: nobody wrote.
        return Skip.SERVICE
    answered = _number(_object(message.get("reply_to_message")).get("message_id"))
    return Incoming(
        update_id,
        customer,
        mid,
        text,
        message_type,
        media,
        reply_to_mid=None if answered is None else str(answered),
    )


def _read_edit(update_id: int, message: Json) -> Incoming | Skip:
    found = _read_sender(message)
    if isinstance(found, Skip):
        return found
    text = _text(message.get("text")) or _text(message.get("caption"))
    if not text:
        # A live location moves every few seconds, and is edited each time.
        return Skip.EDIT
    return Incoming(update_id, *found, text, is_edit=True)


def _read_sender(message: Json) -> tuple[str, str] | Skip:
    """Read the private chat and the message's id in it."""
    chat = _object(message.get("chat"))
    chat_id, mid = _number(chat.get("id")), _number(message.get("message_id"))
    if chat_id is None or mid is None:
        return Skip.MALFORMED
    if chat.get("type") != "private":
        # Many people are one chat there; a shop's answers belong to one of them.
        return Skip.GROUP
    if _object(message.get("from")).get("is_bot") is True:
        return Skip.SELF
    return str(chat_id), str(mid)


def _read_content(message: Json) -> tuple[MessageType, str, tuple[Media, ...]]:
    text = _text(message.get("text"))
    if text:
        return MessageType.TEXT, text, ()
    for member, (message_type, placeholder) in FILES.items():
        if member in message:
            file = _largest(message[member])
            if _text(file.get("mime_type")).startswith("image/"):
                message_type, placeholder = FILES["photo"]
            words = _text(message.get("caption")) or _text(file.get("emoji"))
            name = _text(file.get("file_name"))
            placeholder = f"{placeholder} {name}" if name else placeholder
            kept = _keep(message_type, file)
            return message_type, words or placeholder, kept
    return MessageType.TEXT, _describe(message), ()


def _keep(message_type: MessageType, file: Json) -> tuple[Media, ...]:
    """Keep the file's id; its address holds the bot's token, so it is not kept."""
    file_id = _text(file.get("file_id"))
    return (Media(message_type, url="", media_id=file_id),) if file_id else ()


def _largest(value: object) -> Json:
    """Return the file; of a photo's sizes, which come smallest first, the last."""
    if isinstance(value, list):
        return _object(value[-1]) if value else {}
    return _object(value)


def _describe(message: Json) -> str:
    """Put what is neither text nor file into words; empty when nobody sent anything."""
    if "contact" in message:
        contact = _object(message["contact"])
        told = (contact.get(key) for key in ("first_name", "last_name", "phone_number"))
        return _join("[شماره تماس]", *told)
    if "venue" in message:
        venue = _object(message["venue"])
        return _join("[نشانی]", venue.get("title"), venue.get("address"))
    if "location" in message:
        place = _object(message["location"])
        found = (place.get("latitude"), place.get("longitude"))
        return _join("[موقعیت مکانی]", *(str(part) for part in found))
    if "dice" in message:
        return _text(_object(message["dice"]).get("emoji")) or UNKNOWN_CONTENT
    return "" if UNSHOWN.isdisjoint(message) else UNKNOWN_CONTENT


def _join(*parts: object) -> str:
    return " ".join(found for part in parts if (found := _text(part)))


def _object(value: object) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: object) -> str:
    # PostgreSQL's text can't hold NUL: one such letter would refuse the message.
    text = value.replace("\0", "") if isinstance(value, str) else ""
    return text if text.strip() else ""
