"""Events of Instagram's webhooks: those to store, and the few that are skipped."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from actors.conversation.events import Media
from actors.conversation.state import MessageType


class SkipReason(StrEnum):
    """The reason why an event is skipped."""

    #: Nobody can be named who did it, or it is no object at all.
    MALFORMED = "malformed"
    #: Public, or a figure: it is shown on the post, and no message to the shop.
    CHANGE = "change"
    #: The account's own act: a note to itself, or what its apps told the platform.
    SELF = "self"
    #: Somebody saw a message. Nobody wrote.
    READ = "read"
    #: An emoji on one of our messages, which stays where it is. Nobody wrote.
    REACTION = "reaction"
    #: The platform has brought one of our messages.
    DELIVERY = "delivery"
    #: Apps handed the conversation on among themselves.
    HANDOVER = "handover"
    #: Meta itself spoke to the owner of the account.
    POLICY = "policy"


#: The closed list of members of an event that are no act of a customer. Everything else
#: is stored, at least as a placeholder.
#: Source: Meta, Messenger Platform, webhook events reference.
SKIPPED: Mapping[str, SkipReason] = {
    "read": SkipReason.READ,
    "reaction": SkipReason.REACTION,
    "delivery": SkipReason.DELIVERY,
    "pass_thread_control": SkipReason.HANDOVER,
    "take_thread_control": SkipReason.HANDOVER,
    "request_thread_control": SkipReason.HANDOVER,
    "app_roles": SkipReason.HANDOVER,
    "policy_enforcement": SkipReason.POLICY,
}
#: The closed list of fields of `changes` that are about the account's posts.
#: Source: Meta, Instagram Platform, webhooks: comments, mentions and insights.
PUBLIC_FIELDS = frozenset({"comments", "live_comments", "mentions", "story_insights"})


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
    message with shared posts and with words is several events: the shares, then the
    words.
    """

    accounts: tuple[str, ...]
    customer: str
    mid: str
    text: str
    kind: EventKind = EventKind.WROTE
    message_type: MessageType = MessageType.TEXT
    media: tuple[Media, ...] = ()
    reply_to_mid: str | None = None
    #: What the words are about, where the platform says it: an ad, a product.
    referred: str = ""
    #: The share's index among those of its message.
    part: int = 0
    #: Sent in the shop's name.
    is_ours: bool = False
    #: Another app leads the conversation.
    is_standby: bool = False
    #: Identifies one of several edits of a message, and orders them.
    edit: str = ""
    edit_order: int = 0
    #: By Meta's clock, in milliseconds; 0 where it does not say.
    sent_ms: int = 0
