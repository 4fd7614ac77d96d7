"""The events of a conversation: facts, in the past tense."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from actors.conversation.inbox_events import (
    ConversationAssigned as ConversationAssigned,
)
from actors.conversation.inbox_events import ConversationSnoozed as ConversationSnoozed
from actors.conversation.inbox_events import InboxEvent as InboxEvent
from actors.conversation.inbox_events import NoteWritten as NoteWritten
from actors.conversation.inbox_events import SnoozeFellDue as SnoozeFellDue
from actors.conversation.state import (
    Destination,
    Feedback,
    MessageType,
    Profile,
    Source,
    Status,
)
from actors.conversation.traces import AnswerTrace
from actors.conversation.workflow_events import ConversationEvent as ConversationEvent
from actors.conversation.workflow_events import WorkflowCancelled as WorkflowCancelled
from actors.conversation.workflow_events import WorkflowEvent as WorkflowEvent
from actors.conversation.workflow_events import WorkflowFellDue as WorkflowFellDue
from actors.conversation.workflow_events import WorkflowReported as WorkflowReported
from actors.conversation.workflow_events import WorkflowSpoke as WorkflowSpoke
from actors.conversation.workflow_events import WorkflowTriggered as WorkflowTriggered
from persistence import ids

#: The posts of one message that become messages of their own.
MAX_SHARES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound(ConversationEvent):
    """An event from a platform, with all that opens a conversation."""

    tenant_id: ids.TenantId
    channel_id: ids.ChannelId
    source: Source
    customer: str
    mid: str


@dataclass(frozen=True, slots=True)
class Media:
    """A picture, a voice or a post: its address and its platform id."""

    kind: MessageType
    url: str = ""
    media_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerWrote(Inbound):
    """A customer's message arrived; `text` is empty for media without words."""

    text: str
    message_type: MessageType = MessageType.TEXT
    media: tuple[Media, ...] = ()
    #: Telegram's update_id: the order in which the customer wrote; 0 where the order
    #: of arrival is all that is known.
    order: int = 0
    #: What the message refers to, as text: the words that it replies to, an ad's title,
    #: a forwarded post. Handed to the AI beside the question, as a share's text is.
    referred: str = ""
    #: The platform id of the message that this one answers. Where `referred` is empty,
    #: the answering side reads that message's words from the stored ones.
    reply_to_mid: str | None = None
    #: The author's profile, where the platform tells it.
    profile: Profile | None = None
    #: The way back within the chat, as the platform's adapter writes it: a topic, the
    #: owner's own account.
    route: str = ""
    #: Media that the customer sent at once carry the same album.
    album: str = ""
    #: It is stored, and asks for no answer: a reaction to a message.
    is_note: bool = False
    #: Of a message that was long on its way, by the platform's clock: reply windows
    #: count from it.
    written_at: datetime | None = None
    #: Another app of the account leads the conversation, and answers.
    is_standby: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerShared(Inbound):
    """A customer shared a post, a reel or a story; `content` is its text.

    Words that came in the same message are a CustomerWrote of their own, after it.
    """

    content: str
    media: tuple[Media, ...] = ()
    #: See CustomerWrote.
    written_at: datetime | None = None
    #: The index among the shares of its message, below MAX_SHARES.
    part: int = 0
    #: A post of the platform: an ad or a link only says where somebody comes from.
    is_post: bool = True
    #: See CustomerWrote.
    is_standby: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageUnsent(Inbound):
    """The author of the message `mid` took it back.

    `is_ours` means that it was sent in the shop's name.
    """

    is_ours: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEdited(Inbound):
    """The message `mid` now says `text`; for `is_ours` see MessageUnsent."""

    text: str
    is_ours: bool = False
    #: Grows with each edit of a message, by the platform's own count or clock; 0 where
    #: the order of arrival is all that is known.
    order: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoReceived(Inbound):
    """The platform reported a message that was sent in the shop's name."""

    text: str
    message_type: MessageType = MessageType.TEXT
    media: tuple[Media, ...] = ()
    #: See CustomerWrote.
    written_at: datetime | None = None
    #: See CustomerWrote.
    is_standby: bool = False
    #: The channel's setting: an automatic greeting is no person's answer.
    may_be_greeting: bool = False
    #: Other conversations of the channel in which the same text was echoed lately.
    same_echoes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorAnswered(ConversationEvent):
    """An operator wrote to the customer."""

    user_id: ids.UserId
    text: str
    #: The position of the newest message that the operator saw; None sends anyway.
    seen_position: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRedirected(ConversationEvent):
    """The conversation was handed to a department, or back to the AI."""

    destination: Destination
    #: The operator, for the history; no rule reads it.
    user_id: ids.UserId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusSet(ConversationEvent):
    """An operator set the status."""

    status: Status
    #: See ConversationRedirected.
    user_id: ids.UserId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AiSwitched(ConversationEvent):
    """An operator turned the AI on or off where the conversation stands."""

    user_id: ids.UserId
    ai_enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackGiven(ConversationEvent):
    """An operator rated an answer of the AI."""

    user_id: ids.UserId
    message_id: ids.MessageId
    feedback: Feedback
    comment: str = ""

    @property
    def rating(self) -> tuple[ids.MessageId, Feedback, str]:
        """The message, the rating and the comment."""
        return self.message_id, self.feedback, self.comment


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerEdited(ConversationEvent):
    """An operator changed the customer's card, which is stored elsewhere."""

    user_id: ids.UserId
    fields: tuple[str, ...]
    #: Tags that the customer had not before.
    added_tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyFellDue(ConversationEvent):
    """The reply timer that was set for `due_at` ran out."""

    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareTimedOut(ConversationEvent):
    """The share timer that was set for `due_at` ran out."""

    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyWritten(ConversationEvent):
    """The answer to job `job` was written; `is_handover` if it calls for a person.

    Without text nothing is sent: see `WrittenAnswer`.
    """

    job: ids.EventId
    text: str
    is_handover: bool = False
    #: The AI goes on, but a person must look: at a picture, say.
    needs_operator: bool = False
    trace: AnswerTrace = field(default_factory=AnswerTrace)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyFailed(ConversationEvent):
    """No answer could be written for job `job`."""

    job: ids.EventId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFellDue(ConversationEvent):
    """The send timer that was set for `due_at` ran out."""

    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PartDelivered(ConversationEvent):
    """The platform accepted the part under the id `mid`."""

    send_id: ids.SendId
    mid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRefused(ConversationEvent):
    """The platform refused the part; `permanent` if a retry would be refused too."""

    send_id: ids.SendId
    reason: str
    permanent: bool
    retry_after: timedelta | None = None
    #: The channel is paused: nothing was sent, so this was no attempt.
    is_held: bool = False
    #: The channel is at its platform's limit, which counts as no attempt either.
    is_limited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PartOutcomeLost(ConversationEvent):
    """The call to the platform had no result: the part may have arrived."""

    send_id: ids.SendId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRetried(ConversationEvent):
    """An operator retried a dead letter."""

    user_id: ids.UserId
    message_id: ids.MessageId


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelResumed(ConversationEvent):
    """The pause of the channel ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileLearned(ConversationEvent):
    """A profile look-up returned the customer's name."""

    profile: Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileMissed(ConversationEvent):
    """A profile look-up returned no name."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerErased(ConversationEvent):
    """The customer is forgotten: nothing of the conversation stays.

    With a `version` only if nothing has happened since: the conversation became too
    old, and nobody asked.
    """

    #: The operator; None for the command line.
    user_id: ids.UserId | None = None
    version: int | None = None


#: What platforms deliver.
InboundEvent: TypeAlias = (
    CustomerWrote | CustomerShared | MessageUnsent | MessageEdited | EchoReceived
)
Event: TypeAlias = (
    CustomerWrote
    | CustomerShared
    | MessageUnsent
    | MessageEdited
    | EchoReceived
    | OperatorAnswered
    | ConversationRedirected
    | StatusSet
    | AiSwitched
    | ShareTimedOut
    | FeedbackGiven
    | CustomerEdited
    | ReplyFellDue
    | ReplyWritten
    | ReplyFailed
    | SendFellDue
    | PartDelivered
    | PartRefused
    | PartOutcomeLost
    | SendRetried
    | ChannelResumed
    | ProfileLearned
    | ProfileMissed
    | WorkflowTriggered
    | WorkflowFellDue
    | WorkflowReported
    | WorkflowSpoke
    | WorkflowCancelled
    | CustomerErased
    | ConversationAssigned
    | ConversationSnoozed
    | NoteWritten
    | SnoozeFellDue
)


def message_id_of(event: ConversationEvent) -> ids.MessageId:
    """Return the id of the message that the event makes: its own."""
    return ids.MessageId(event.id)


def customer_message_id(conversation: ids.ConversationId, mid: str) -> ids.EventId:
    """Return the id of a customer's message, the same way for every channel.

    So an unsent or edited message is found by its platform id alone.
    """
    return ids.derive_event_id(conversation, mid)


def share_message_id(
    conversation: ids.ConversationId, mid: str, part: int = 0
) -> ids.EventId:
    """Return the id of a share in a message, which may carry words as well."""
    name = f"share:{mid}" if part == 0 else f"share:{mid}:{part}"
    return ids.derive_event_id(conversation, name)


def echo_message_id(conversation: ids.ConversationId, mid: str) -> ids.EventId:
    """Return the id of an echo, distinct from every customer's message."""
    return ids.derive_event_id(conversation, f"echo:{mid}")
