"""What can happen to a conversation, in the past tense."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from actors.conversation.state import (
    Destination,
    Feedback,
    MessageType,
    Profile,
    Source,
    Status,
)
from persistence.ids import (
    ChannelId,
    ConversationId,
    EventId,
    MessageId,
    SendId,
    TenantId,
    UserId,
    derive_event_id,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What all events share: which one, to whom, when."""

    id: EventId
    conversation_id: ConversationId
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound(Happening):
    """What a platform sent; it carries enough to open a conversation."""

    tenant_id: TenantId
    channel_id: ChannelId
    source: Source
    customer: str
    mid: str


@dataclass(frozen=True, slots=True)
class Media:
    """A picture, a voice, a post: where it lies, and what the platform calls it."""

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
    #: The message that this one answers, by its platform id.
    reply_to_mid: str | None = None
    #: Who wrote it, where the platform says so.
    profile: Profile | None = None
    #: By the platform's clock, of what was long on its way: its windows count from it.
    written_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerShared(Inbound):
    """A customer shared a post, a reel or a story; `content` tells what it says.

    Words that came in the same message are a CustomerWrote of their own, after it.
    """

    content: str
    media: tuple[Media, ...] = ()
    #: As of what is written.
    written_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageUnsent(Inbound):
    """The message `mid` was taken back by whoever wrote it.

    `is_ours` tells that it was sent in the shop's name.
    """

    is_ours: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEdited(Inbound):
    """The message `mid` now says `text`; `is_ours` as of what is unsent."""

    text: str
    is_ours: bool = False
    #: Grows with each edit of a message, by the platform's own count or clock; 0 where
    #: the order of arrival is all that is known.
    order: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoReceived(Inbound):
    """The platform reports a message that was sent in the shop's name."""

    text: str
    message_type: MessageType = MessageType.TEXT
    media: tuple[Media, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorAnswered(Happening):
    """An operator wrote to the customer."""

    user_id: UserId
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRedirected(Happening):
    """The conversation was handed to a department, or back to the AI."""

    destination: Destination
    #: Who did it, for the history; no rule reads it.
    user_id: UserId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusSet(Happening):
    """An operator set the status."""

    status: Status
    #: As of a redirect.
    user_id: UserId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AiSwitched(Happening):
    """An operator turned the AI on or off where the conversation stands."""

    user_id: UserId
    ai_enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackGiven(Happening):
    """An operator said whether an answer of the AI was good."""

    user_id: UserId
    message_id: MessageId
    feedback: Feedback
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerEdited(Happening):
    """An operator changed what is known of the customer, which is stored by itself."""

    user_id: UserId
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyFellDue(Happening):
    """The reply timer that was set for `due_at` ran out."""

    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareTimedOut(Happening):
    """The share timer that was set for `due_at` ran out."""

    due_at: datetime


@dataclass(frozen=True, slots=True)
class SourceCited:
    """One chunk that an answer rests on."""

    number: int
    document_id: str
    chunk_id: str
    title: str
    source_type: str
    url: str | None
    score: float


@dataclass(frozen=True, slots=True)
class CandidateSeen:
    """A chunk that the search weighed, whether the answer used it or not."""

    chunk_id: str
    score: float
    rerank_score: float | None = None


@dataclass(frozen=True, slots=True)
class AnswerTrace:
    """How an answer came to be; stored with the message as its metadata."""

    sources: tuple[SourceCited, ...] = ()
    retrieval_method: str = "none"
    model: str = "none"
    tokens: int = 0
    latency_ms: float = 0.0
    #: Why a model that was asked did not write it; empty when all went well.
    fallback_reason: str = ""
    #: In the search's last order.
    candidates: tuple[CandidateSeen, ...] = ()
    #: How sure the search was that its first candidate answers; 0 to 1.
    relevance: float = 0.0
    #: SHA-256 of the messages that the model was sent; empty where none was asked.
    prompt_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyWritten(Happening):
    """The answer to job `job` is there; `is_handover` says it admits not to know."""

    job: EventId
    text: str
    is_handover: bool = False
    #: The AI goes on, but a person must look: at a picture, say.
    needs_operator: bool = False
    trace: AnswerTrace = field(default_factory=AnswerTrace)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyFailed(Happening):
    """No answer could be written for job `job`."""

    job: EventId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFellDue(Happening):
    """The send timer that was set for `due_at` ran out."""

    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PartDelivered(Happening):
    """The platform took the part and named it."""

    send_id: SendId
    mid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRefused(Happening):
    """The platform said no; `permanent` when it would again."""

    send_id: SendId
    reason: str
    permanent: bool
    retry_after: timedelta | None = None
    #: The channel is paused: nobody was asked, so no attempt was made.
    is_held: bool = False
    #: The channel is at its platform's limit: not about this message, so no attempt.
    is_limited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PartOutcomeLost(Happening):
    """The platform did not answer: the part may or may not have arrived."""

    send_id: SendId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRetried(Happening):
    """An operator had a message sent again that had failed for good."""

    user_id: UserId
    message_id: MessageId


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelResumed(Happening):
    """The channel was paused and is no more: what it held back may go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileLearned(Happening):
    """The platform was asked who the customer is, and said so."""

    profile: Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileMissed(Happening):
    """The platform was asked who the customer is, and did not say."""

    reason: str


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
)


def message_id_of(event: Happening) -> MessageId:
    """Return the id of the message that the event makes: its own."""
    return MessageId(event.id)


def customer_message_id(conversation: ConversationId, mid: str) -> EventId:
    """Return the id of what a customer wrote: every channel derives it so.

    That is how an unsent or edited message is found by its platform id alone.
    """
    return derive_event_id(conversation, mid)


def share_message_id(conversation: ConversationId, mid: str) -> EventId:
    """Return the id of the share in a message, which may carry words as well."""
    return derive_event_id(conversation, f"share:{mid}")


def echo_message_id(conversation: ConversationId, mid: str) -> EventId:
    """Return the id of an echo, so that none is taken for a customer's message."""
    return derive_event_id(conversation, f"echo:{mid}")
