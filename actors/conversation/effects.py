"""What a decision orders: records for the transaction, and work for after it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from actors.conversation.events import AnswerTrace, Media
from actors.conversation.state import (
    Author,
    Conversation,
    Delivery,
    Feedback,
    MessageType,
    Processing,
    Profile,
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
    media: tuple[Media, ...] = ()
    #: What the AI is handed instead of the customer's own words.
    combined_content: str | None = None
    #: Where it stands among the conversation's messages.
    position: int = 0
    is_unsent: bool = False
    is_edited: bool = False


@dataclass(frozen=True, slots=True)
class BlankMessages:
    """Forget what these messages said: whoever wrote them took them back."""

    ids: tuple[MessageId, ...]


@dataclass(frozen=True, slots=True)
class RewriteMessages:
    """Store what these messages say now, those of them that there are."""

    ids: tuple[MessageId, ...]
    content: str
    combined_content: str | None = None


@dataclass(frozen=True, slots=True)
class ForgetCombination:
    """Drop what the AI was handed for a question: its share was taken back."""

    id: MessageId


@dataclass(frozen=True, slots=True)
class MarkMessages:
    """Note how far the customer's messages have come."""

    ids: tuple[MessageId, ...]
    processing: Processing
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RateMessage:
    """Note what an operator thinks of an answer."""

    id: MessageId
    feedback: Feedback
    comment: str


@dataclass(frozen=True, slots=True)
class RecordProfile:
    """Store who the customer is; what an operator wrote stays."""

    profile: Profile


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
    #: What the questions are about; empty when no post was shared.
    share: str = ""


@dataclass(frozen=True, slots=True)
class CancelReply:
    """Stop writing: nobody will read it."""

    job: EventId


@dataclass(frozen=True, slots=True)
class AskProfile:
    """Ask the platform who the customer is."""


@dataclass(frozen=True, slots=True)
class DeliverPart:
    """Hand the part to the platform; `tag` says why it may come so late."""

    send: Send
    tag: str = ""


class LogName(StrEnum):
    """Which log a line goes to."""

    #: Redirects: `logs/workflow.log`.
    WORKFLOW = "workflow"
    CONVERSATION = "conversation"


@dataclass(frozen=True, slots=True)
class WriteLog:
    """Write a line, once what it tells is committed."""

    log: LogName
    text: str


class Counter(StrEnum):
    """What is counted; the names of the metrics."""

    AI_REPLIES_DROPPED = "ai_replies_dropped_total"
    SHARE_MESSAGES = "share_messages_total"
    SHARE_COMBINED = "share_combined_total"
    SHARE_TIMEOUTS = "share_timeouts_total"
    PENDING_SHARE_LOOKUPS = "pending_share_lookups_total"
    REDIRECTS = "conversation_redirects_total"


@dataclass(frozen=True, slots=True)
class Count:
    """Count one more, under the counter's label if it has one."""

    counter: Counter
    label: str = ""


Effect: TypeAlias = (
    RecordMessage
    | MarkMessages
    | BlankMessages
    | RewriteMessages
    | ForgetCombination
    | RateMessage
    | RecordProfile
    | RecordSend
    | SetTimer
    | ClearTimer
    | StartReply
    | CancelReply
    | DeliverPart
    | AskProfile
    | WriteLog
    | Count
)


@dataclass(frozen=True, slots=True)
class Decision:
    """The state after an event, and what it orders, in order."""

    state: Conversation
    effects: tuple[Effect, ...] = field(default=())
