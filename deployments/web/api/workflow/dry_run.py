"""`/api/workflow/workflows/{id}/dry-run/`: a workflow in past conversations."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import ValidationError

from actors.workflow.definition import (
    ConversationStatus,
    Definition,
    EdgeKind,
    TriggerKind,
    VersionRef,
)
from actors.workflow.documents import read_definition, read_hours
from actors.workflow.run import Outcome, RunStatus
from actors.workflow.triggers import ActiveWorkflow
from deployments.web.api.auth import SignedIn
from deployments.web.api.errors import InvalidValueError, require
from deployments.web.api.schemas import Answer, RequestBody
from deployments.web.dependencies import Context
from deployments.workflows.dry_runs import ConversationResult, DryRuns
from persistence.ids import ConversationId, WorkflowId
from persistence.tenants import fetch_tenant
from persistence.workflows import fetch_hours, fetch_workflow

router = APIRouter(prefix="/api/workflow/workflows", tags=["workflow"])


class DryRunIn(RequestBody):
    """One conversation; without it, all of the last seven days."""

    conversation_id: ConversationId | None = None


class PathStepOut(Answer):
    """One step; `edge` is null where no connection was there to follow."""

    at: datetime
    node: str
    outcome: Outcome
    edge: EdgeKind | None
    why: str


class PathOut(Answer):
    """One run: what began it, its steps, what it would have written, its end."""

    node: str
    trigger: TriggerKind
    started_at: datetime
    status: RunStatus
    reason: str
    steps: list[PathStepOut]
    texts: list[str]


class ConversationResultOut(Answer):
    """A conversation: where the workflow would have left it, and where it stands."""

    conversation_id: UUID
    is_triggered: bool
    ends_otherwise: bool
    status: ConversationStatus
    real_status: ConversationStatus
    note: str
    paths: list[PathOut]


class DryRunOut(Answer):
    """Counts, and the conversations in which a run would have begun, newest first."""

    workflow_id: UUID
    version: int
    examined: int
    triggered: int
    ended_otherwise: int
    is_cut: bool
    note: str
    conversations: list[ConversationResultOut]


@router.post("/{workflow_id}/dry-run/")
async def dry_run_workflow(
    workflow_id: WorkflowId,
    principal: SignedIn,
    context: Context,
    body: DryRunIn | None = None,
) -> DryRunOut:
    """Simulate the newest version in past conversations; nothing is changed or sent."""
    conversation_id = None if body is None else body.conversation_id
    pool, tenant_id = context.pool, principal.tenant_id
    stored = require(await fetch_workflow(pool, tenant_id, workflow_id))
    definition = _read(stored.definition)
    runs = DryRuns(
        pool,
        require(await fetch_tenant(pool, tenant_id)),
        ActiveWorkflow(VersionRef(stored.id, stored.version), definition),
        read_hours(await fetch_hours(pool, tenant_id)),
        context.clock.now(),
    )
    async with context.dry_runs.place(tenant_id):
        report = require(await runs.run(conversation_id))
    return DryRunOut(
        workflow_id=stored.id,
        version=stored.version,
        examined=report.examined,
        triggered=report.triggered,
        ended_otherwise=report.ended_otherwise,
        is_cut=report.is_cut,
        note=report.note,
        conversations=[_render(one) for one in report.conversations],
    )


def _read(text: str) -> Definition:
    """Read a definition whose connections lead somewhere. Raises InvalidValueError."""
    try:
        definition = read_definition(text)
    except ValidationError as error:
        # A newer release may have written it.
        message = "definition: this release can't read it"
        raise InvalidValueError(message) from error
    nodes = {node.id for node in definition.nodes}
    for edge in definition.connections:
        for end in (edge.source, edge.target):
            if end not in nodes:
                message = f"connections: there is no node {end}"
                raise InvalidValueError(message)
    return definition


def _render(one: ConversationResult) -> ConversationResultOut:
    dry_run = one.dry_run
    return ConversationResultOut(
        conversation_id=one.id,
        is_triggered=dry_run.is_triggered,
        ends_otherwise=dry_run.ends_otherwise,
        status=dry_run.status,
        real_status=dry_run.real_status,
        note=dry_run.note,
        paths=[PathOut.model_validate(path) for path in dry_run.paths],
    )
