"""The port of a shard to what workflows do outside."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from actors.workflow.definition import TriggerKind, VersionRef
from actors.workflow.run import Refused, StepDone, StepFailed, Work
from persistence import ids

NO_WORKER_REASON = "this process does no work of workflows"


@dataclass(frozen=True, slots=True)
class WorkTask:
    """An effect `Perform` of a run, with all that its worker must know of the run.

    `occasion`, `depth` and `started_at` are for the row that admits the run. A task may
    come again after a crash: `key` is the same for each attempt of a step.
    """

    tenant_id: ids.TenantId
    channel_id: ids.ChannelId
    conversation_id: ids.ConversationId
    customer_id: ids.CustomerId
    run_id: ids.RunId
    workflow: VersionRef
    occasion: TriggerKind
    depth: int
    started_at: datetime
    step: int
    attempt: int
    work: Work

    @property
    def key(self) -> str:
        """The step's idempotency key."""
        return f"{self.run_id}:{self.step}"


class Worker(Protocol):
    """Does outside what runs order."""

    async def perform(self, task: WorkTask) -> StepDone | StepFailed | Refused:
        """Do the work within a minute; never raises for what may happen outside.

        `Refused` answers an `OpenRun` alone. A failure's reason may be shown to the
        tenant: no secret stands in it, and nothing that an inside address said.
        """
        ...


class NoWorker:
    """A worker for processes without one: fails each work plainly."""

    async def perform(self, task: WorkTask) -> StepFailed:
        """Fail."""
        return StepFailed(task.step, NO_WORKER_REASON, is_permanent=True)


NO_WORKER = NoWorker()
