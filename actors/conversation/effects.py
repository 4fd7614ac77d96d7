"""What a decision orders: records for the transaction, and work for after it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from actors.conversation.events import AnswerTrace
from actors.conversation.state import (
    Author,
    Conversation,
    Delivery,
    MessageType,
    Processing,
    Send,
    TimerKind,
)
from persistence.ids import EventId, MessageId


@dataclass(frozen=True, slots=True)
class RecordMessage:
    """Store a new message."""

    id: MessageId
    author: Author
    content: str
    created_at: datetime
    processing: Processing
    message_type: MessageType = MessageType.TEXT
    mid: str | None = None
    delivery: Delivery | None = None
    trace: AnswerTrace | None = None


@dataclass(frozen=True, slots=True)
class MarkMessages:
    """Note how far the customer's messages have come."""

    ids: tuple[MessageId, ...]
    processing: Processing
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RecordSend:
    """Store how far a part has come; the last part's outcome is its message's."""

    send: Send
    mid: str | None = None
    error: str = ""
    is_last_part: bool = False


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Arm the timer, replacing one of the same kind."""

    kind: TimerKind
    due_at: datetime


@dataclass(frozen=True, slots=True)
class ClearTimer:
    """Disarm the timer."""

    kind: TimerKind


@dataclass(frozen=True, slots=True)
class StartReply:
    """Have an answer written to the questions; the result names the job."""

    job: EventId
    questions: tuple[MessageId, ...]


@dataclass(frozen=True, slots=True)
class CancelReply:
    """Stop writing: nobody will read it."""

    job: EventId


@dataclass(frozen=True, slots=True)
class DeliverPart:
    """Hand the part to the platform."""

    send: Send


@dataclass(frozen=True, slots=True)
class CountDroppedReply:
    """Count an answer that came too late, by its reason."""

    reason: str


Effect: TypeAlias = (
    RecordMessage
    | MarkMessages
    | RecordSend
    | SetTimer
    | ClearTimer
    | StartReply
    | CancelReply
    | DeliverPart
    | CountDroppedReply
)


@dataclass(frozen=True, slots=True)
class Decision:
    """The state after an event, and what it orders, in order."""

    state: Conversation
    effects: tuple[Effect, ...] = field(default=())
