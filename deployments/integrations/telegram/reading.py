"""Reads Telegram's updates: who wrote what to a bot, in which order."""

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

#: What Telegram could not deliver for so long does not come any more.
GIVEN_UP_AFTER = timedelta(days=1)
#: Far ahead; what is more can't be stored as a whole number everywhere.
MAX_SECONDS = 2**33
LONG_AGO = datetime.fromtimestamp(0, UTC)
#: What the card of a customer takes; Telegram's own limit is 64.
MAX_NAME_CHARS = 100
#: What `setWebhook` subscribes to. All else is taken, counted and left.
ALLOWED_UPDATES = ("message", "edited_message")


class SkipReason(StrEnum):
    """Why an update makes no event."""

    MALFORMED = "malformed"
    GROUP = "group"
    SELF = "self"
    SERVICE = "service"
    EDIT = "edit"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """One message as the update tells it; `customer` is the private chat's id.

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
    """What a message holds."""

    text: str
    message_type: MessageType = MessageType.TEXT
    media: tuple[Media, ...] = ()


def name_message(bot_id: str, message_id: int) -> str:
    """Return a message's name within its chat.

    The bot is a part of it: another bot, to which a channel may be moved, counts the
    messages of the same chat from one again.
    """
    return f"{bot_id}:{message_id}"


def read_webhook(payload: object) -> Iterator[WebhookEvent | SkipReason]:
    """Read the one update of a webhook.

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
    found = _read_sender(message)
    if isinstance(found, SkipReason):
        return found
    content = _read_content(message)
    if content is None:
        # A pinned message, a changed title, an accepted permission: nobody wrote.
        return SkipReason.SERVICE
    return WebhookEvent(
        update_id,
        *found,
        content.text,
        content.message_type,
        content.media,
        reply_to=_number(
            read_object(message.get("reply_to_message")).get("message_id")
        ),
        profile=_read_profile(read_object(message.get("from"))),
    )


def _read_edit(update_id: int, message: Json) -> WebhookEvent | SkipReason:
    found = _read_sender(message)
    if isinstance(found, SkipReason):
        return found
    text = read_text(message.get("text")) or read_text(message.get("caption"))
    if not text:
        # A live location moves every few seconds, and is edited each time.
        return SkipReason.EDIT
    return WebhookEvent(
        update_id,
        *found,
        text,
        is_edit=True,
        written_at=_read_time(message.get("date")),
        edited_at_s=_number(message.get("edit_date")) or 0,
    )


def _order_edit(incoming: WebhookEvent) -> int:
    """Return a number that grows with each edit of a message.

    Its second decides: updates are counted anew after a week without any. Within a
    second their numbers do.
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
        # Many people are one chat there; a shop's answers belong to one of them.
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
    """Read what the customer sent; None when nobody sent anything."""
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
    """Keep the file's id; its address holds the bot's token, so it is not kept."""
    # A photo comes in several sizes, the smallest first.
    file = read_object(value[-1] if isinstance(value, list) and value else value)
    if read_text(file.get("mime_type")).startswith("image/"):
        message_type = MessageType.IMAGE
    file_id = read_text(file.get("file_id"))
    media = (Media(message_type, media_id=file_id),) if file_id else ()
    said = read_text(caption) or read_text(file.get("emoji"))
    if not said and not media:
        # Nothing to show and nothing to read is still something for a person.
        said = PLACEHOLDERS[message_type]
    return Content(said, message_type, media)


def _describe(message: Json) -> str:
    """Put what is neither text nor file into words, where it has some."""
    if "contact" in message:
        contact = read_object(message["contact"])
        told = (contact.get(key) for key in ("first_name", "last_name", "phone_number"))
        return _join("[شماره تماس]", *told)
    if "venue" in message:
        venue = read_object(message["venue"])
        return _join("[نشانی]", venue.get("title"), venue.get("address"))
    if "location" in message:
        place = read_object(message["location"])
        found = (place.get("latitude"), place.get("longitude"))
        return _join("[موقعیت مکانی]", *(str(part) for part in found))
    return read_text(read_object(message.get("dice")).get("emoji"))


def _join(*parts: object) -> str:
    return " ".join(found for part in parts if (found := read_text(part)))


def _read_time(value: object) -> datetime:
    try:
        return datetime.fromtimestamp(_number(value) or 0, UTC)
    except (OverflowError, OSError, ValueError):
        return LONG_AGO


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
