"""The events of a run."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from actors.workflow.run.state import Facts


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
    kind: Literal["done"] = "done"


@dataclass(frozen=True, slots=True)
class StepFailed:
    """The work of a step failed; another attempt is worth it unless `is_permanent`."""

    step: int
    reason: str
    is_permanent: bool = False
    kind: Literal["failed"] = "failed"


@dataclass(frozen=True, slots=True)
class Refused:
    """A limit does not let the run begin."""

    reason: str
    kind: Literal["refused"] = "refused"


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
