"""Telegram's updates as events: who did it, in which chat, and what it was.

One rule holds for all of them: what a customer did is stored; what is skipped stands on
the closed lists of `members.py`, with its reason.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeAlias, TypedDict, assert_never

from actors.conversation import events
from actors.conversation.state import MessageType, Profile, Source
from deployments.integrations.lenient_json import (
    Json,
    read_identifier,
    read_object,
    read_text,
)
from deployments.integrations.telegram import members, presses
from deployments.integrations.telegram.content import Content, read_content
from deployments.integrations.telegram.references import read_referred
from deployments.integrations.telegram.routes import scope_of, write_route
from persistence.channels import Channel
from persistence.ids import (
    ChannelId,
    ConversationId,
    TenantId,
    derive_conversation_id,
    derive_event_id,
)

#: Telegram stops repeating an update after this.
GIVEN_UP_AFTER = timedelta(days=1)
#: Far ahead; later times do not fit everywhere as whole numbers.
MAX_SECONDS = 2**33
LONG_AGO = datetime.fromtimestamp(0, UTC)
#: The longest name in a customer's record; Telegram's own limit is 64.
MAX_NAME_CHARS = 100
#: Telegram deletes so many messages of a chat at once, at most.
MAX_DELETED = 100


class SkipReason(StrEnum):
    """The reason why an update is skipped."""

    MALFORMED = "malformed"
    GROUP = "group"
    SELF = "self"
    SERVICE = "service"
    EDIT = "edit"
    OTHER = "other"


class Act(StrEnum):
    """What was done to a message, and by whom."""

    WROTE = "wrote"
    EDITED = "edited"
    #: The owner wrote, from the account that the bot is connected to.
    OWNER_WROTE = "owner_wrote"
    OWNER_EDITED = "owner_edited"
    #: One of the two took it back; Telegram does not say who.
    UNSENT = "unsent"


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """One thing that was done; `customer` is the private chat's id.

    `text` is empty for a file without a caption. `scope` goes before `message_id` in
    the platform id where the number alone is not one of the chat with the bot.
    """

    update_id: int
    customer: str
    message_id: int
    text: str
    message_type: MessageType = MessageType.TEXT
    media: tuple[events.Media, ...] = ()
    #: With its scope.
    reply_to: str = ""
    act: Act = Act.WROTE
    profile: Profile | None = None
    #: By Telegram's clock.
    written_at: datetime = LONG_AGO
    edited_at_s: int = 0
    scope: str = ""
    #: See CustomerWrote.
    referred: str = ""
    route: str = ""
    album: str = ""
    #: Nothing to answer: a reaction.
    is_note: bool = False
    #: Of a pressed button, which shows a clock until it is acknowledged.
    callback_query_id: str = ""


Built: TypeAlias = (
    events.CustomerWrote
    | events.MessageEdited
    | events.EchoReceived
    | events.MessageUnsent
)


class _Head(TypedDict):
    """The fields of all events of an update."""

    conversation_id: ConversationId
    at: datetime
    tenant_id: TenantId
    channel_id: ChannelId
    source: Source
    customer: str
    mid: str


def name_message(bot_id: str, message: int | str) -> str:
    """Return our platform id of a message: bot and message number.

    The bot is a part of it: after a channel is moved to another bot, the messages of
    the same chat are counted from one again.
    """
    return f"{bot_id}:{message}"


def build_event(channel: Channel, incoming: WebhookEvent, at: datetime) -> Built:
    """Build the event; `at` is our clock, whatever the platform's says."""
    conversation_id = derive_conversation_id(channel.id, incoming.customer)
    mid = name_message(channel.account_id, f"{incoming.scope}{incoming.message_id}")
    head = _Head(
        conversation_id=conversation_id,
        at=at,
        tenant_id=channel.tenant_id,
        channel_id=channel.id,
        source=Source.TELEGRAM,
        customer=incoming.customer,
        mid=mid,
    )
    match incoming.act:
        case Act.EDITED | Act.OWNER_EDITED:
            return events.MessageEdited(
                # A message may be edited often: the update tells the edits apart.
                id=derive_event_id(conversation_id, f"update:{incoming.update_id}"),
                **head,
                text=incoming.text,
                is_ours=incoming.act is Act.OWNER_EDITED,
                order=_order_edit(incoming),
            )
        case Act.UNSENT:
            event_id = derive_event_id(conversation_id, f"unsent:{mid}")
            return events.MessageUnsent(id=event_id, **head)
        case Act.OWNER_WROTE:
            return events.EchoReceived(
                id=events.echo_message_id(conversation_id, mid),
                **head,
                text=incoming.text,
                message_type=incoming.message_type,
                media=incoming.media,
            )
        case Act.WROTE:
            return events.CustomerWrote(
                id=events.customer_message_id(conversation_id, mid),
                **head,
                text=incoming.text,
                message_type=incoming.message_type,
                media=incoming.media,
                order=incoming.update_id,
                referred=incoming.referred,
                reply_to_mid=name_message(channel.account_id, incoming.reply_to)
                if incoming.reply_to
                else None,
                profile=incoming.profile,
                route=incoming.route,
                album=incoming.album,
                is_note=incoming.is_note,
            )
        case _:
            assert_never(incoming.act)


def read_webhook(payload: object) -> Iterator[WebhookEvent | SkipReason]:
    """Read the single update of a webhook; deleted messages are one event each.

    Source: Telegram, Bot API 10.3, Update and Message.
    """
    update = read_object(payload)
    update_id = _number(update.get("update_id"))
    if update_id is None:
        yield SkipReason.MALFORMED
        return
    for member, read in _READERS.items():
        if member in update:
            yield from read(update_id, read_object(update[member]))
            return
    unknown = [name for name in update if name not in members.UPDATES]
    if unknown:
        yield _read_act(update_id, unknown[0], read_object(update[unknown[0]]))
    else:
        yield SkipReason.OTHER


def _read_message(update_id: int, message: Json) -> Iterator[WebhookEvent | SkipReason]:
    sender = _read_sender(message)
    if isinstance(sender, SkipReason):
        yield sender
        return
    content = read_content(message)
    if isinstance(content, members.Skipped):
        # A pinned message, a changed title, an accepted permission.
        yield SkipReason.SERVICE
        return
    is_owner = _is_owners(message)
    yield WebhookEvent(
        update_id,
        *sender,
        content.text,
        content.message_type,
        content.media,
        reply_to=_name_answered(message, read_object(message.get("reply_to_message"))),
        act=Act.OWNER_WROTE if is_owner else Act.WROTE,
        profile=None if is_owner else _read_profile(read_object(message.get("from"))),
        scope=_scope_of(message),
        referred=read_referred(message),
        route=write_route(message),
        album=read_identifier(message.get("media_group_id")),
    )


def _read_edit(update_id: int, message: Json) -> Iterator[WebhookEvent | SkipReason]:
    sender = _read_sender(message)
    if isinstance(sender, SkipReason):
        yield sender
        return
    content = read_content(message)
    if "location" in message or not isinstance(content, Content):
        # A live location is edited every few seconds.
        yield SkipReason.EDIT
        return
    yield WebhookEvent(
        update_id,
        *sender,
        content.shown,
        act=Act.OWNER_EDITED if _is_owners(message) else Act.EDITED,
        written_at=_read_time(message.get("date")),
        edited_at_s=_number(message.get("edit_date")) or 0,
        scope=_scope_of(message),
    )


def _read_deleted(update_id: int, deleted: Json) -> Iterator[WebhookEvent | SkipReason]:
    """Read what was deleted from a chat of the connected account."""
    chat_id = _number(read_object(deleted.get("chat")).get("id"))
    ids = deleted.get("message_ids")
    numbers = [_number(one) for one in ids] if isinstance(ids, list) else []
    if chat_id is None or not numbers:
        yield SkipReason.MALFORMED
        return
    for number in numbers[:MAX_DELETED]:
        if number is not None:
            yield WebhookEvent(
                update_id,
                str(chat_id),
                number,
                "",
                act=Act.UNSENT,
                scope=_scope_of(deleted),
            )


def _read_other(name: str) -> "Reader":
    def read(update_id: int, value: Json) -> Iterator[WebhookEvent | SkipReason]:
        yield _read_act(update_id, name, value)

    return read


def _read_act(update_id: int, name: str, value: Json) -> WebhookEvent | SkipReason:
    """Read what a person did without a message: a press, a vote, a reaction.

    What is not known is read as well: somebody did it.
    """
    message = read_object(value.get("message"))
    person = read_object(value.get("from") or value.get("user"))
    chat = read_object(value.get("chat") or message.get("chat"))
    person_id = _number(person.get("id"))
    if chat.get("type", "private") != "private":
        return SkipReason.GROUP
    if person.get("is_bot") is True:
        return SkipReason.SELF
    if person_id is None:
        # Nobody can be named who did it.
        return SkipReason.OTHER
    press = presses.read_press(name, value)
    return WebhookEvent(
        update_id,
        str(person_id),
        update_id,
        press.text,
        reply_to=_name_answered(message, message or value),
        profile=_read_profile(person),
        scope="update:",
        referred=press.referred,
        route=write_route(message),
        is_note=press.is_note,
        callback_query_id=presses.read_query_id(name, value),
    )


Reader = Callable[[int, Json], Iterator[WebhookEvent | SkipReason]]
_READERS: Mapping[str, Reader] = {
    "message": _read_message,
    "edited_message": _read_edit,
    "business_message": _read_message,
    "edited_business_message": _read_edit,
    "deleted_business_messages": _read_deleted,
    **{name: _read_other(name) for name in presses.KINDS},
}
#: The updates that `setWebhook` subscribes to: those that are read.
ALLOWED_UPDATES = tuple(_READERS)


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
    is_sent_by_bot = read_object(message.get("from")).get("is_bot") is True
    if is_sent_by_bot or "sender_business_bot" in message:
        return SkipReason.SELF
    return str(chat_id), message_id


def _is_owners(message: Json) -> bool:
    """Whether the owner wrote it: a business chat's id is its customer's."""
    if not read_text(message.get("business_connection_id")):
        return False
    writer = _number(read_object(message.get("from")).get("id"))
    chat_id = _number(read_object(message.get("chat")).get("id"))
    return writer is not None and writer != chat_id


def _scope_of(message: Json) -> str:
    return scope_of(read_identifier(message.get("business_connection_id")))


def _name_answered(message: Json, answered: Json) -> str:
    number = _number(answered.get("message_id"))
    return "" if number is None else f"{_scope_of(message)}{number}"


def _read_profile(user: Json) -> Profile | None:
    names = (user.get("first_name"), user.get("last_name"), user.get("username"))
    profile = Profile(*(_read_name(name) for name in names))
    return None if profile == Profile() else profile


def _read_name(value: object) -> str:
    return read_text(value).strip()[:MAX_NAME_CHARS]


def _read_time(value: object) -> datetime:
    try:
        return datetime.fromtimestamp(_number(value) or 0, UTC)
    except (OverflowError, OSError, ValueError):
        return LONG_AGO


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
