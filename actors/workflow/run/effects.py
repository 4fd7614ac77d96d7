"""The effects of a run: orders to its conversation, and work outside."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from actors.workflow.definition import EdgeKind, RedirectTo
from actors.workflow.run.state import Run, RunStatus


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
    #: Counts the texts of the run.
    number: int
    text: str
    node: str
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
    """Admit the run by its limits and the tenant's quota, and read the facts.

    A customer who has none of the `tags` is refused, if any are named.
    """

    tags: tuple[str, ...] = ()
    max_running: int | None = None


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
    """The run has ended; one that `is_silent` is no execution to be shown."""

    status: RunStatus
    reason: str = ""
    is_silent: bool = False


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
class Advanced:
    """The run after an event, and its effects, in order."""

    run: Run
    effects: tuple[RunEffect, ...] = ()
    #: The message was an answer to the run, and is no question to the AI.
    took_message: bool = False
