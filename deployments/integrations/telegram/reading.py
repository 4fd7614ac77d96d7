"""Telegram's updates as events: the parsing of messages and edits."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from actors.conversation.events import (
    CustomerWrote,
    Media,
    MessageEdited,
    customer_message_id,
)
from actors.conversation.rules.placeholders import PLACEHOLDERS
from actors.conversation.state import MessageType, Profile, Source
from deployments.integrations.lenient_json import Json, read_object, read_text
from persistence.channels import Channel
from persistence.ids import derive_conversation_id, derive_event_id

#: Telegram stops repeating an update after this.
GIVEN_UP_AFTER = timedelta(days=1)
#: Far ahead; later times do not fit everywhere as whole numbers.
MAX_SECONDS = 2**33
LONG_AGO = datetime.fromtimestamp(0, UTC)
#: The longest name in a customer's record; Telegram's own limit is 64.
MAX_NAME_CHARS = 100
#: The updates that `setWebhook` subscribes to; others are counted and skipped.
ALLOWED_UPDATES = ("message", "edited_message")


class SkipReason(StrEnum):
    """The reason why an update is skipped."""

    MALFORMED = "malformed"
    GROUP = "group"
    SELF = "self"
    SERVICE = "service"
    EDIT = "edit"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """The message of an update; `customer` is the private chat's id.

    `text` is empty for a file without a caption.
    """

    update_id: int
    customer: str
    message_id: int
    text: str
    message_type: MessageType = MessageType.TEXT
    media: tuple[Media, ...] = ()
    reply_to: int | None = None
    is_edit: bool = False
    profile: Profile | None = None
    #: By Telegram's clock.
    written_at: datetime = LONG_AGO
    edited_at_s: int = 0


#: Files, by the member that holds one. An animation comes as a document too, so the
#: order counts. A sticker is a picture, but it says what its emoji says.
FILES: Mapping[str, MessageType] = {
    "photo": MessageType.IMAGE,
    "voice": MessageType.VOICE,
    "audio": MessageType.VOICE,
    "video": MessageType.VIDEO,
    "video_note": MessageType.VIDEO,
    "animation": MessageType.VIDEO,
    "sticker": MessageType.TEXT,
    "document": MessageType.TEXT,
}
#: What a customer can send that we can't show: stored as such, for a person.
UNSHOWN = frozenset(
    {"story", "paid_media", "checklist", "invoice", "giveaway", "poll", "game"}
)


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a message."""

    text: str
    message_type: MessageType = MessageType.TEXT
    media: tuple[Media, ...] = ()


def name_message(bot_id: str, message_id: int) -> str:
    """Return our platform id of a message: bot and message number.

    The bot is a part of it: after a channel is moved to another bot, the messages of
    the same chat are counted from one again.
    """
    return f"{bot_id}:{message_id}"


def read_webhook(payload: object) -> Iterator[WebhookEvent | SkipReason]:
    """Read the single update of a webhook.

    Source: Telegram, Bot API, Update and Message.
    """
    update = read_object(payload)
    update_id = _number(update.get("update_id"))
    if update_id is None:
        yield SkipReason.MALFORMED
    elif "message" in update:
        yield _read_message(update_id, read_object(update["message"]))
    elif "edited_message" in update:
        yield _read_edit(update_id, read_object(update["edited_message"]))
    else:
        yield SkipReason.OTHER


def build_event(
    channel: Channel, incoming: WebhookEvent, at: datetime
) -> CustomerWrote | MessageEdited:
    """Build the event; `at` is our clock, whatever the platform's says."""
    conversation_id = derive_conversation_id(channel.id, incoming.customer)
    mid = name_message(channel.account_id, incoming.message_id)
    if incoming.is_edit:
        return MessageEdited(
            # A message may be edited often: the update tells the edits apart.
            id=derive_event_id(conversation_id, f"update:{incoming.update_id}"),
            conversation_id=conversation_id,
            at=at,
            tenant_id=channel.tenant_id,
            channel_id=channel.id,
            source=Source.TELEGRAM,
            customer=incoming.customer,
            mid=mid,
            text=incoming.text,
            order=_order_edit(incoming),
        )
    answered = incoming.reply_to
    return CustomerWrote(
        id=customer_message_id(conversation_id, mid),
        conversation_id=conversation_id,
        at=at,
        tenant_id=channel.tenant_id,
        channel_id=channel.id,
        source=Source.TELEGRAM,
        customer=incoming.customer,
        mid=mid,
        text=incoming.text,
        message_type=incoming.message_type,
        media=incoming.media,
        order=incoming.update_id,
        reply_to_mid=None
        if answered is None
        else name_message(channel.account_id, answered),
        profile=incoming.profile,
    )


def _read_message(update_id: int, message: Json) -> WebhookEvent | SkipReason:
    sender = _read_sender(message)
    if isinstance(sender, SkipReason):
        return sender
    content = _read_content(message)
    if content is None:
        # A pinned message, a changed title, an accepted permission: no content.
        return SkipReason.SERVICE
    return WebhookEvent(
        update_id,
        *sender,
        content.text,
        content.message_type,
        content.media,
        reply_to=_number(
            read_object(message.get("reply_to_message")).get("message_id")
        ),
        profile=_read_profile(read_object(message.get("from"))),
    )


def _read_edit(update_id: int, message: Json) -> WebhookEvent | SkipReason:
    sender = _read_sender(message)
    if isinstance(sender, SkipReason):
        return sender
    text = read_text(message.get("text")) or read_text(message.get("caption"))
    if not text:
        # A live location is edited every few seconds.
        return SkipReason.EDIT
    return WebhookEvent(
        update_id,
        *sender,
        text,
        is_edit=True,
        written_at=_read_time(message.get("date")),
        edited_at_s=_number(message.get("edit_date")) or 0,
    )


def _order_edit(incoming: WebhookEvent) -> int:
    """Return a number that grows with each edit of a message.

    The second decides first, since Telegram numbers updates anew after a week without
    any; within a second the number of the update does.
    """
    if not 0 < incoming.edited_at_s < MAX_SECONDS:
        return 0
    return incoming.edited_at_s << 20 | incoming.update_id & 0xFFFFF


def _read_sender(message: Json) -> tuple[str, int] | SkipReason:
    """Read the private chat and the message's id in it."""
    chat = read_object(message.get("chat"))
    chat_id, message_id = _number(chat.get("id")), _number(message.get("message_id"))
    if chat_id is None or message_id is None:
        return SkipReason.MALFORMED
    if chat.get("type") != "private":
        # In a group many people share a chat; an answer belongs to one person.
        return SkipReason.GROUP
    if read_object(message.get("from")).get("is_bot") is True:
        return SkipReason.SELF
    return str(chat_id), message_id


def _read_profile(user: Json) -> Profile | None:
    names = (user.get("first_name"), user.get("last_name"), user.get("username"))
    profile = Profile(*(_read_name(name) for name in names))
    return None if profile == Profile() else profile


def _read_name(value: object) -> str:
    return read_text(value).strip()[:MAX_NAME_CHARS]


def _read_content(message: Json) -> Content | None:
    """Read the content of a message; None for a service message."""
    text = read_text(message.get("text"))
    if text:
        return Content(text)
    for member, message_type in FILES.items():
        if member in message:
            return _read_file(message_type, message[member], message.get("caption"))
    described = _describe(message)
    if described:
        return Content(described)
    if not UNSHOWN.isdisjoint(message):
        return Content(PLACEHOLDERS[MessageType.TEXT])
    return None


def _read_file(message_type: MessageType, value: object, caption: object) -> Content:
    """Keep a file's id, but not its address, which contains the bot's token."""
    # A photo comes in several sizes, the smallest first.
    file = read_object(value[-1] if isinstance(value, list) and value else value)
    if read_text(file.get("mime_type")).startswith("image/"):
        message_type = MessageType.IMAGE
    file_id = read_text(file.get("file_id"))
    media = (Media(message_type, media_id=file_id),) if file_id else ()
    text = read_text(caption) or read_text(file.get("emoji"))
    if not text and not media:
        # A person must see that something came, even if it can't be shown.
        text = PLACEHOLDERS[message_type]
    return Content(text, message_type, media)


def _describe(message: Json) -> str:
    """Describe contacts, venues, locations and dice in words; empty for others."""
    if "contact" in message:
        contact = read_object(message["contact"])
        keys = ("first_name", "last_name", "phone_number")
        return _join("[شماره تماس]", *(contact.get(key) for key in keys))
    if "venue" in message:
        venue = read_object(message["venue"])
        return _join("[نشانی]", venue.get("title"), venue.get("address"))
    if "location" in message:
        place = read_object(message["location"])
        position = (place.get("latitude"), place.get("longitude"))
        return _join("[موقعیت مکانی]", *map(str, position))
    return read_text(read_object(message.get("dice")).get("emoji"))


def _join(*parts: object) -> str:
    return " ".join(filter(None, map(read_text, parts)))


def _read_time(value: object) -> datetime:
    try:
        return datetime.fromtimestamp(_number(value) or 0, UTC)
    except (OverflowError, OSError, ValueError):
        return LONG_AGO


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
