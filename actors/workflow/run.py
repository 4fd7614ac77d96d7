"""A run of a workflow: its state, its events and its effects."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from actors.workflow.definition import (
    BusinessHours,
    ConversationStatus,
    EdgeKind,
    Platform,
    RedirectTo,
    TriggerKind,
    VersionRef,
)
from persistence.ids import MessageId, RunId

#: Values of a run, and characters of each.
MAX_VALUES = 50
MAX_VALUE_CHARS = 1000
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
    #: Runs that started this one, one after another: a loop of tags ends by it.
    depth: int = 0
    #: It has written to the customer, whose question it has answered so.
    has_spoken: bool = False
    #: Why a branch failed, if one did.
    fault: str = ""

    @property
    def due_at(self) -> datetime | None:
        """When the next of its timers falls due; None once it has ended."""
        return min((token.due_at for token in self.tokens), default=None)

    @property
    def holds_reply(self) -> bool:
        """Whether it may answer, and the AI is silent."""
        return any(token.phase in HOLDING for token in self.tokens)

    @property
    def asked(self) -> Token | None:
        """The token that awaits the customer's answer; at most one does."""
        for token in self.tokens:
            if token.phase is Phase.ASKED:
                return token
        return None


# --- Events ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Begun:
    """The run was made; its admission is asked for."""


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The run's timer fell due."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The customer wrote while the run awaits an answer.

    `looks_like_question` is the conversation's judgement: the AI may answer it.
    """

    text: str
    is_text: bool = True
    looks_like_question: bool = False


@dataclass(frozen=True, slots=True)
class StepDone:
    """The work of a step succeeded. `answer` is None where nothing was asked."""

    step: int
    values: dict[str, str] = field(default_factory=dict)
    facts: Facts | None = None
    #: The model's judgement, and its reason.
    verdict: bool | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StepFailed:
    """The work of a step failed; another attempt is worth it unless `is_permanent`."""

    step: int
    reason: str
    is_permanent: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """A limit does not let the run begin."""

    reason: str


@dataclass(frozen=True, slots=True)
class AiAnswered:
    """The AI has answered what the customer asked back."""


@dataclass(frozen=True, slots=True)
class ReplyFreed:
    """Nobody awaits an answer of the customer: a queued token may ask."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Somebody ended the run: a person who answers, an operator, the customer."""

    reason: str


RunEvent: TypeAlias = (
    Begun
    | TimerFired
    | Answered
    | StepDone
    | StepFailed
    | Refused
    | AiAnswered
    | ReplyFreed
    | Cancelled
)


# --- Effects -----------------------------------------------------------------------


class Outcome(StrEnum):
    """How a step ended."""

    DONE = "done"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class RecordStep:
    """Keep what a node did; `edge` is None where no connection was there to follow."""

    step: int
    node: str
    outcome: Outcome
    edge: EdgeKind | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SendText:
    """Write to the customer; the delivery's outcome ends step `step`.

    Words beside a wait (its question, reminder, error text) have `is_awaited` false:
    no step ends with them.
    """

    step: int
    #: Tells several texts of one step apart.
    number: int
    text: str
    is_awaited: bool = True


@dataclass(frozen=True, slots=True)
class ChangeCard:
    """Change tags and attributes of the customer; tags that are new start workflows."""

    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Redirect:
    """Hand the conversation over."""

    destination: RedirectTo


@dataclass(frozen=True, slots=True)
class SwitchAi:
    """Turn the AI on or off."""

    ai_enabled: bool


@dataclass(frozen=True, slots=True)
class LetAiAnswer:
    """Have the AI answer the newest message; then comes `AiAnswered`."""


@dataclass(frozen=True, slots=True)
class OpenRun:
    """Admit the run by its limits and the tenant's quota, and read the facts."""


@dataclass(frozen=True, slots=True)
class ReadFacts:
    """Read the facts anew."""


@dataclass(frozen=True, slots=True)
class CallWebhook:
    """Call an address; the answer's values come back."""

    url: str
    method: str
    body: str
    save: dict[str, str]


@dataclass(frozen=True, slots=True)
class SendMail:
    """Send an e-mail; an empty address means the tenant's only confirmed one."""

    address: str
    subject: str
    text: str
    is_to_customer: bool


@dataclass(frozen=True, slots=True)
class JudgeText:
    """Ask the model a yes-or-no question about a text."""

    prompts: tuple[str, ...]
    #: Whether all prompts must be answered with yes, or one.
    must_all_hold: bool
    text: str


Work: TypeAlias = OpenRun | ReadFacts | CallWebhook | SendMail | JudgeText


@dataclass(frozen=True, slots=True)
class Perform:
    """Do this outside; the result comes back as StepDone, StepFailed or Refused.

    It may be ordered again after a crash: `run id:step` is its idempotency key.
    """

    step: int
    work: Work
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class FinishRun:
    """The run has ended."""

    status: RunStatus
    reason: str = ""


RunEffect: TypeAlias = (
    RecordStep
    | SendText
    | ChangeCard
    | Redirect
    | SwitchAi
    | LetAiAnswer
    | Perform
    | FinishRun
)


@dataclass(frozen=True, slots=True)
class Scene:
    """What the conversation tells a run about itself."""

    platform: Platform
    status: ConversationStatus
    #: No other run awaits an answer.
    may_ask: bool = True
    #: The platform takes automatic messages now.
    may_write: bool = True


@dataclass(frozen=True, slots=True)
class Advanced:
    """The run after an event, and its effects, in order."""

    run: Run
    effects: tuple[RunEffect, ...] = ()
