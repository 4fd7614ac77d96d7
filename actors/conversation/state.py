"""The state of a conversation, its parts, and its invariants."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from actors.conversation.inbox_state import InboxState
from actors.workflow.definition import VersionRef
from actors.workflow.run import Run
from persistence import ids

#: The newest questions; an unanswered conversation must not grow without end.
MAX_QUESTIONS = 20
#: Room between two messages for those that were written between them and came late.
POSITION_STEP = 1024


class Status(StrEnum):
    """The status of a conversation: who leads it."""

    ACTIVE = "active"
    SUPPORT_ACTIVE = "support_active"
    MARKETING_ACTIVE = "marketing_active"
    CLOSED = "closed"


class Source(StrEnum):
    """The platform that a conversation runs on."""

    INSTAGRAM = "instagram"
    TELEGRAM = "telegram"
    WEBSITE = "website"


class MessageType(StrEnum):
    """The kind of content of a message."""

    TEXT = "text"
    VOICE = "voice"
    IMAGE = "image"
    VIDEO = "video"
    SHARE = "share"


class Author(StrEnum):
    """The author of a message; SPEC calls it the message's type."""

    CUSTOMER = "customer"
    AI = "AI"
    SUPPORT = "support"
    MARKETING = "marketing"


class Processing(StrEnum):
    """The processing status of a customer's message."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class Delivery(StrEnum):
    """The delivery status of one of our messages."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    UNKNOWN = "unknown"
    FAILED = "failed"


class Feedback(StrEnum):
    """An operator's rating of an answer."""

    NONE = "none"
    POSITIVE = "positive"
    NEGATIVE = "negative"


class Destination(StrEnum):
    """The destinations of a redirect, in the order that SPEC lists."""

    AI = "ai"
    SUPPORT = "support"
    SALES = "sales"
    TECHNICAL = "technical"
    BILLING = "billing"
    GENERAL = "general"


class TimerKind(StrEnum):
    """The kinds of timers; a conversation has at most one of each."""

    REPLY = "reply"
    SEND = "send"
    SHARE = "share"
    WORKFLOW = "workflow"
    SNOOZE = "snooze"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to come: waiting for the burst to end, or being written.

    `job` is the id of the event that started the writing; a result that carries
    another is stale.
    """

    due_at: datetime
    job: ids.EventId | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """One part of one message that the platform has not confirmed yet."""

    id: ids.SendId
    message_id: ids.MessageId
    part: int
    content: str
    due_at: datetime
    delivery: Delivery = Delivery.QUEUED
    attempts: int = 0
    #: Written by the AI; other rules apply to an operator's words.
    is_ai: bool = False
    #: Consecutive attempts that were held back, by a paused channel for example.
    holds: int = 0
    #: Consecutive attempts that met the limit of the channel.
    limits: int = 0
    #: Under way when a person took over: it is not sent again.
    is_withdrawn: bool = False
    #: The way within the chat, see CustomerWrote.
    route: str = ""


@dataclass(frozen=True, slots=True)
class SentMessage:
    """The platform's id of one of our messages."""

    mid: str
    message_id: ids.MessageId


@dataclass(frozen=True, slots=True)
class PendingShare:
    """A shared post that waits for its question, at most until `due_at`."""

    message_id: ids.MessageId
    content: str
    media_id: str
    due_at: datetime
    #: See CustomerShared.
    is_post: bool = True


@dataclass(frozen=True, slots=True)
class CombinedShare:
    """An open question, and the share that it is about.

    What a message itself refers to is kept as a share of the question's own id.
    """

    question: ids.MessageId
    share: ids.MessageId
    content: str
    #: See CustomerShared.
    is_post: bool = True


@dataclass(frozen=True, slots=True)
class Position:
    """The position of a message that its platform numbers, to order the next ones."""

    order: int
    position: int
    message_id: ids.MessageId


@dataclass(frozen=True, slots=True)
class AssumedEcho:
    """An echo that was matched with the part under way by its text alone."""

    event_id: ids.EventId
    send_id: ids.SendId
    mid: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RecentEdit:
    """The newest text of a message, which may arrive before the message itself."""

    mid: str
    text: str
    #: See MessageEdited.
    order: int = 0


@dataclass(frozen=True, slots=True)
class Heard:
    """A customer's message, by a checksum of its words: an edit may change them."""

    message_id: ids.MessageId
    checksum: int


@dataclass(frozen=True, slots=True)
class Caption:
    """The words of one medium of an album; mostly only the first has any."""

    mid: str
    text: str


@dataclass(frozen=True, slots=True)
class Album:
    """Media that came at once, which are one message."""

    name: str
    message_id: ids.MessageId
    captions: tuple[Caption, ...]

    @property
    def text(self) -> str:
        """The words of all of them, a line each."""
        return "\n".join(caption.text for caption in self.captions if caption.text)


@dataclass(frozen=True, slots=True)
class Profile:
    """A customer's name, as the platform tells it; unknown parts are empty."""

    first_name: str = ""
    last_name: str = ""
    username: str = ""


@dataclass(frozen=True, slots=True)
class ProfileLookup:
    """The schedule of profile look-ups."""

    next_lookup_at: datetime
    #: Look-ups that returned no name.
    misses: int = 0


@dataclass(frozen=True, slots=True)
class RunCount:
    """How many runs of a workflow began for the customer."""

    workflow_id: ids.WorkflowId
    count: int


@dataclass(frozen=True, slots=True)
class Conversation:
    """One customer on one channel of one tenant."""

    id: ids.ConversationId
    tenant_id: ids.TenantId
    channel_id: ids.ChannelId
    customer_id: ids.CustomerId
    source: Source
    platform_id: str
    created_at: datetime
    #: The number of events that made this state.
    version: int = 0
    status: Status = Status.ACTIVE
    ai_enabled: bool = True
    department: Destination | None = None
    needs_operator: bool = False
    #: The customer's messages that nobody has answered yet, oldest first.
    questions: tuple[ids.MessageId, ...] = ()
    reply: Reply | None = None
    #: Parts on their way, in order; only the first may be under way.
    sends: tuple[Send, ...] = ()
    #: Platform ids of our newest messages, to recognise our own echoes.
    recent_mids: tuple[str, ...] = ()
    #: The newest messages that went out in one part.
    recent_sent: tuple[SentMessage, ...] = ()
    #: The echo that acknowledged a part whose result is still to come.
    assumed: AssumedEcho | None = None
    #: Parts that failed for good, the newest last; an operator may send them again.
    dead: tuple[Send, ...] = ()
    #: Parts that were sent again, or failed, and may have arrived nevertheless.
    unconfirmed: tuple[Send, ...] = ()
    pending_share: PendingShare | None = None
    #: Which of the questions are about a share.
    combined: tuple[CombinedShare, ...] = ()
    #: The customer's newest numbered messages, in the platform's order.
    positions: tuple[Position, ...] = ()
    #: Platform ids of messages that were unsent, some before they arrived.
    unsent_mids: tuple[str, ...] = ()
    #: One per message, the newest last.
    recent_edits: tuple[RecentEdit, ...] = ()
    #: The customer's newest messages; one that says something else later is asked anew.
    heard: tuple[Heard, ...] = ()
    #: The newest album, whose next media may still come.
    album: Album | None = None
    #: The way back of the customer's newest message.
    route: str = ""
    last_customer_at: datetime | None = None
    #: Unknown for conversations that are older than this field.
    first_customer_at: datetime | None = None
    last_message_id: ids.MessageId | None = None
    #: As the platform told it last; an operator may have changed the customer's card.
    profile: Profile = Profile()
    #: None before the first look-up, and after a successful one.
    profile_lookup: ProfileLookup | None = None
    #: The first thing that the customer did was to share a post, without words so far.
    awaits_first_text: bool = False
    #: Runs of workflows, the oldest first.
    runs: tuple[Run, ...] = ()
    run_counts: tuple[RunCount, ...] = ()
    inbox: InboxState = field(default_factory=InboxState)

    @property
    def is_led_by_ai(self) -> bool:
        """Whether no person leads, and the AI is on."""
        return self.status is Status.ACTIVE and self.ai_enabled

    @property
    def lease(self) -> Run | None:
        """The run of a workflow that may answer now, and keeps the AI silent."""
        return find_lease(self.runs)

    @property
    def ai_may_answer(self) -> bool:
        """Whether the AI leads, and no workflow holds the right to reply."""
        return self.is_led_by_ai and self.lease is None

    @property
    def versions_run(self) -> frozenset[VersionRef]:
        """The versions of workflows that its runs go through."""
        return frozenset(run.workflow for run in self.runs)

    @property
    def next_position(self) -> int:
        """The position after all messages."""
        return self.version * POSITION_STEP

    @property
    def reopened_status(self) -> Status:
        """The status after the customer's next message: a closed one opens again."""
        if self.status is not Status.CLOSED:
            return self.status
        return Status.ACTIVE if self.ai_enabled else Status.SUPPORT_ACTIVE


def find_lease(runs: Iterable[Run]) -> Run | None:
    """Return the run that holds the right to reply; None if none does."""
    for run in runs:
        if run.holds_reply:
            return run
    return None


def check_invariants(state: Conversation) -> None:
    """Raise AssertionError when an invariant is broken; tests call it per step."""
    checks = {
        "the AI writes only while it leads": state.reply is None or state.ai_may_answer,
        "a reply answers something": state.reply is None or bool(state.questions),
        "only the first part is under way": all(
            send.delivery is Delivery.QUEUED for send in state.sends[1:]
        ),
        "a person's conversation is not the AI's": not (
            state.status is Status.SUPPORT_ACTIVE and state.ai_enabled
        ),
        "a department is a person's": state.department is not Destination.AI,
        "questions are bounded": len(state.questions) <= MAX_QUESTIONS,
        "no question stands twice": len(set(state.questions)) == len(state.questions),
        "a share waits only for the AI, on Instagram": state.pending_share is None
        or (state.is_led_by_ai and state.source is Source.INSTAGRAM),
        "every run waits for something": all(run.tokens for run in state.runs),
        "one run awaits an answer": sum(run.asked is not None for run in state.runs)
        <= 1,
        "who asks or needs a person waits": (state.inbox.waiting_since is not None)
        == (bool(state.questions) or state.needs_operator),
        "a closed conversation is not put aside": state.inbox.snoozed_until is None
        or state.status is not Status.CLOSED,
        "a share belongs to a question": all(
            share.question in state.questions for share in state.combined
        ),
        "a share is used once": len({share.share for share in state.combined})
        == len(state.combined),
        "only a part under way is withdrawn": not any(
            send.is_withdrawn and send.delivery is Delivery.QUEUED
            for send in state.sends
        ),
    }
    broken = [claim for claim, holds in checks.items() if not holds]
    if broken:
        raise AssertionError(broken, state)
