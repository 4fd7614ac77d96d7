"""The effects of a decision: records for its transaction, commands for after it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from actors.conversation.events import Media, WorkflowSpoke
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
from actors.conversation.traces import AnswerTrace
from actors.workflow import run as workflow
from persistence.ids import EventId, MessageId, RunId, UserId, WorkflowId


@dataclass(frozen=True, slots=True)
class WrittenBy:
    """The run of a workflow that wrote a message, and its node."""

    workflow_id: WorkflowId
    run_id: RunId
    node: str


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
    #: The question as the AI gets it, with the shared post and what it refers to.
    combined_content: str | None = None
    #: See CustomerWrote.
    referred: str = ""
    reply_to_mid: str | None = None
    #: The position among the conversation's messages.
    position: int = 0
    is_unsent: bool = False
    is_edited: bool = False
    written_by: WrittenBy | None = None


@dataclass(frozen=True, slots=True)
class BlankMessages:
    """Remove the content of these messages: their author took them back."""

    ids: tuple[MessageId, ...]


@dataclass(frozen=True, slots=True)
class RewriteMessages:
    """Store the new text of these messages, as far as they are stored."""

    ids: tuple[MessageId, ...]
    content: str
    combined_content: str | None = None


@dataclass(frozen=True, slots=True)
class ExtendMessage:
    """Add media to a message, more of its album came; None leaves its words."""

    id: MessageId
    media: tuple[Media, ...]
    content: str | None = None
    combined_content: str | None = None


@dataclass(frozen=True, slots=True)
class ForgetCombination:
    """Remove the combined content of a question: its share was unsent."""

    id: MessageId


@dataclass(frozen=True, slots=True)
class MarkMessages:
    """Store the processing status of the customer's messages."""

    ids: tuple[MessageId, ...]
    processing: Processing
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RateMessage:
    """Store an operator's rating of an answer."""

    id: MessageId
    feedback: Feedback
    comment: str


@dataclass(frozen=True, slots=True)
class RecordProfile:
    """Store the customer's name, unless an operator wrote another."""

    profile: Profile


@dataclass(frozen=True, slots=True)
class RecordSend:
    """Store the status of a part; the last part's outcome is its message's."""

    send: Send
    mid: str | None = None
    error: str = ""
    is_last_part: bool = False


@dataclass(frozen=True, slots=True)
class RecordNote:
    """Store a note of an operator, apart from the messages."""

    id: EventId
    user_id: UserId
    content: str
    #: The place among the conversation's messages.
    position: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class EraseCustomer:
    """Remove all rows of the customer and of the conversation; see Erasure."""

    user_id: UserId | None = None
    is_expired: bool = False


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
    #: The shared posts and the words that the questions are about, or empty.
    share: str = ""
    #: All of these are shared posts.
    is_post: bool = True


@dataclass(frozen=True, slots=True)
class CancelReply:
    """Stop writing the answer."""

    job: EventId


@dataclass(frozen=True, slots=True)
class AskProfile:
    """Look up the customer's profile."""


@dataclass(frozen=True, slots=True)
class DeliverPart:
    """Send the part; `tag` is the message tag that a late answer needs."""

    send: Send
    tag: str = ""


@dataclass(frozen=True, slots=True)
class RecordRun:
    """Store where a run stands; `reason` says why it ended, if it has."""

    run: workflow.Run
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RecordRunStep:
    """Store what a node of a run did."""

    run_id: RunId
    step: workflow.RecordStep


@dataclass(frozen=True, slots=True)
class ChangeCard:
    """Change tags and attributes of the customer, on a run's order.

    `depth` is that of a run which the change starts in turn.
    """

    change: workflow.ChangeCard
    depth: int


@dataclass(frozen=True, slots=True)
class PerformWork:
    """Do the work of a run's step outside; the result is a WorkflowReported."""

    run: workflow.Run
    perform: workflow.Perform


@dataclass(frozen=True, slots=True)
class Raise:
    """Decide on this event next, in the same transaction.

    An event makes one message at most: what a run says is an event of its own.
    """

    event: WorkflowSpoke


class LogName(StrEnum):
    """The log of a line."""

    #: Redirects: `logs/workflow.log`.
    WORKFLOW = "workflow"
    CONVERSATION = "conversation"


@dataclass(frozen=True, slots=True)
class WriteLog:
    """Write a log line after the commit."""

    log: LogName
    text: str


class Counter(StrEnum):
    """The counters, by the names of their metrics."""

    AI_REPLIES_DROPPED = "ai_replies_dropped_total"
    SHARE_MESSAGES = "share_messages_total"
    SHARE_COMBINED = "share_combined_total"
    SHARE_TIMEOUTS = "share_timeouts_total"
    PENDING_SHARE_LOOKUPS = "pending_share_lookups_total"
    REDIRECTS = "conversation_redirects_total"
    WORKFLOW_RUNS = "workflow_runs_total"
    WORKFLOW_STEPS = "workflow_steps_total"


@dataclass(frozen=True, slots=True)
class Count:
    """Increment a counter, with its label if it has one."""

    counter: Counter
    label: str = ""


Effect: TypeAlias = (
    RecordMessage
    | MarkMessages
    | BlankMessages
    | RewriteMessages
    | ExtendMessage
    | ForgetCombination
    | RateMessage
    | RecordProfile
    | RecordSend
    | RecordNote
    | EraseCustomer
    | SetTimer
    | ClearTimer
    | StartReply
    | CancelReply
    | DeliverPart
    | AskProfile
    | RecordRun
    | RecordRunStep
    | ChangeCard
    | PerformWork
    | Raise
    | WriteLog
    | Count
)


@dataclass(frozen=True, slots=True)
class Decision:
    """The state after an event, and its effects, in order."""

    state: Conversation
    effects: tuple[Effect, ...] = field(default=())
