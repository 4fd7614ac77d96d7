"""The events of workflows in a conversation, and what all events have."""

from dataclasses import dataclass
from datetime import datetime

from actors.workflow.definition import VersionRef
from actors.workflow.run import Occasion, Refused, StepDone, StepFailed
from persistence import ids


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationEvent:
    """The fields of all events."""

    id: ids.EventId
    conversation_id: ids.ConversationId
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowEvent(ConversationEvent):
    """An event about runs of workflows alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowTriggered(WorkflowEvent):
    """A workflow begins: a trigger of it fits, or somebody started it.

    The run begins at `node`; its id follows from the event's. An operator's start and a
    replay from a failed node name the operator.
    """

    workflow: VersionRef
    node: str
    occasion: Occasion
    depth: int = 0
    #: The customer must have one of these, if any are named.
    tags: tuple[str, ...] = ()
    max_per_customer: int | None = None
    max_running: int | None = None
    user_id: ids.UserId | None = None

    @property
    def run_id(self) -> ids.RunId:
        """The id of the run that begins."""
        return ids.RunId(self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowFellDue(WorkflowEvent):
    """The workflow timer that was set for `due_at` ran out."""

    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowReported(WorkflowEvent):
    """The work of a run's step came to a result."""

    run_id: ids.RunId
    result: StepDone | StepFailed | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowSpoke(WorkflowEvent):
    """A run wrote to the customer. Follows, in one transaction, what moved the run.

    Its delivery ends step `step` if that `is_awaited`.
    """

    run_id: ids.RunId
    workflow_id: ids.WorkflowId
    node: str
    step: int
    text: str
    is_awaited: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowCancelled(WorkflowEvent):
    """An operator ended a run."""

    run_id: ids.RunId
    user_id: ids.UserId
