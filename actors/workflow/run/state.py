"""The state of a run, and what its conversation tells it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from actors.workflow.definition import (
    BusinessHours,
    ConversationStatus,
    EdgeKind,
    Platform,
    TriggerKind,
    VersionRef,
)
from persistence.ids import MessageId, RunId

#: Values of a run, and characters of each.
MAX_VALUES = 20
MAX_VALUE_CHARS = 1000
#: Of a message, and of an attribute, as a run carries them along: the conversation's
#: state is written with each event.
MAX_TEXT_CHARS = 2000
MAX_FACT_CHARS = 300
ALWAYS_OPEN = BusinessHours()


class RunStatus(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    COMPLETED = "completed"
    #: A node failed, or had no answer in time, and no edge was there for that.
    FAILED = "failed"
    #: A person answered, the customer left, an operator cancelled.
    CANCELLED = "cancelled"
    #: A limit did not let it begin.
    REFUSED = "refused"


class Phase(StrEnum):
    """What a token waits for."""

    #: Admission of the run, or the customer's newest facts, from the database.
    READING = "reading"
    #: An effect outside, a webhook say; after `due_at` its result was lost.
    WORKING = "working"
    #: The pause before another attempt.
    RETRYING = "retrying"
    #: The delivery of a message.
    SENDING = "sending"
    #: The end of a delay.
    DELAYED = "delayed"
    #: Its turn to ask: another run, or another branch, awaits an answer.
    QUEUED = "queued"
    #: The customer's answer.
    ASKED = "asked"
    #: The AI's answer to what the customer asked back; then it asks again.
    AI_ANSWERS = "ai_answers"


#: While a token is in one of these, the run may answer and the AI is silent.
HOLDING = frozenset(
    {Phase.READING, Phase.WORKING, Phase.RETRYING, Phase.SENDING, Phase.ASKED}
)


@dataclass(frozen=True, slots=True)
class Token:
    """One branch of a run, and where it stands. It always has a time limit."""

    id: int
    node: str
    phase: Phase
    due_at: datetime
    #: Counts the steps of the run: a result that names another is stale.
    step: int
    attempt: int = 1
    #: Answers that did not fit.
    errors: int = 0
    #: When a wait ends; `due_at` may be its reminder's time, before it.
    until: datetime | None = None
    is_reminded: bool = False
    #: A question back was answered by the AI already.
    has_asked_back: bool = False
    #: The number of the text whose delivery it awaits.
    text_number: int = 0
    #: The edge that is followed once the facts are read.
    edge: EdgeKind | None = None


@dataclass(frozen=True, slots=True)
class Occasion:
    """What triggered a run."""

    kind: TriggerKind
    message_id: MessageId | None = None
    text: str = ""
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database knows of the customer, read as a chain of steps begins."""

    first_name: str = ""
    last_name: str = ""
    username: str = ""
    platform_id: str = ""
    tags: tuple[str, ...] = ()
    #: Plain texts; numbers and truth values as they are written.
    attributes: dict[str, str] = field(default_factory=dict)
    tenant_name: str = ""
    #: The tenant's language.
    language: str = "fa"
    hours: BusinessHours = ALWAYS_OPEN


@dataclass(frozen=True, slots=True)
class Run:
    """One customer's way through one version of a workflow."""

    id: RunId
    workflow: VersionRef
    #: The trigger's node.
    node: str
    occasion: Occasion
    started_at: datetime
    status: RunStatus = RunStatus.RUNNING
    tokens: tuple[Token, ...] = ()
    facts: Facts = Facts()
    #: Answers and what webhooks said, by key.
    values: dict[str, str] = field(default_factory=dict)
    #: The customer's newest message that the run has read.
    text: str = ""
    steps: int = 0
    tokens_made: int = 0
    #: The customer must have one of these, if any are named.
    tags: tuple[str, ...] = ()
    #: See Limits.
    max_running: int | None = None
    #: Runs that started this one, one after another: a loop of tags ends by it.
    depth: int = 0
    #: The texts that it has written; each has a number of its own.
    texts: int = 0
    #: It has written to the customer, whose question it has answered so.
    has_spoken: bool = False
    #: A delay has passed: it is about the message that it began with no more.
    is_late: bool = False
    #: Why a branch failed, if one did.
    fault: str = ""

    @property
    def due_at(self) -> datetime | None:
        """When the next of its timers falls due; None once it has ended."""
        return min((token.due_at for token in self.tokens), default=None)

    @property
    def holds_reply(self) -> bool:
        """Whether it may answer, and the AI is silent.

        It does while it awaits an answer, and as long as it is about the message that
        it began with.
        """
        if self.asked is not None:
            return True
        is_about_message = self.occasion.message_id is not None and not self.is_late
        return is_about_message and any(token.phase in HOLDING for token in self.tokens)

    @property
    def holds_until(self) -> datetime | None:
        """When the right to reply ends at the latest; None if it holds none."""
        if not self.holds_reply:
            return None
        return max(
            token.until or token.due_at
            for token in self.tokens
            if token.phase in HOLDING
        )

    @property
    def asked(self) -> Token | None:
        """The token that awaits the customer's answer; at most one does."""
        for token in self.tokens:
            if token.phase is Phase.ASKED:
                return token
        return None


@dataclass(frozen=True, slots=True)
class Scene:
    """What the conversation tells a run about itself."""

    platform: Platform
    status: ConversationStatus
    #: No other run awaits an answer.
    may_ask: bool = True
    #: The platform takes automatic messages now.
    may_write: bool = True
