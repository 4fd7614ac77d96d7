"""`/api/workflow/executions/`: runs of workflows, with what each node did."""

from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends, Header, Request

from actors.conversation.events import WorkflowCancelled, WorkflowTriggered
from actors.workflow.definition import TriggerKind, VersionRef
from actors.workflow.documents import read_definition
from actors.workflow.run import Occasion, Outcome, RunStatus
from deployments.web.api.auth import SignedIn
from deployments.web.api.conversations import derive_request_id
from deployments.web.api.errors import InvalidValueError, require
from deployments.web.api.schemas import LeftEmpty, Page, Paging
from deployments.web.api.workflow import schemas
from deployments.web.dependencies import Context
from persistence import workflow_runs
from persistence.ids import ConversationId, EventId, RunId, WorkflowId
from persistence.workflow_runs import RunFilter, StoredRun
from persistence.workflows import fetch_definition

router = APIRouter(prefix="/api/workflow/executions", tags=["workflow"])


async def fetch_own_run(
    run_id: RunId, principal: SignedIn, context: Context
) -> StoredRun:
    """Return the execution at this address; another tenant's does not exist."""
    return require(
        await workflow_runs.fetch_one_run(context.pool, principal.tenant_id, run_id)
    )


OwnRun = Annotated[StoredRun, Depends(fetch_own_run)]


@router.get("/")
async def list_executions(
    principal: SignedIn,
    context: Context,
    paging: Paging,
    workflow_id: Annotated[WorkflowId | None, LeftEmpty] = None,
    conversation_id: Annotated[ConversationId | None, LeftEmpty] = None,
    status: Annotated[RunStatus | None, LeftEmpty] = None,
) -> Page[schemas.ExecutionOut]:
    """List executions, the newest first."""
    found = await workflow_runs.fetch_runs_page(
        context.pool,
        principal.tenant_id,
        RunFilter(workflow_id, conversation_id, status),
        paging.window(),
    )
    return paging.build_found(
        found, map(schemas.ExecutionOut.model_validate, found.rows)
    )


@router.get("/{run_id}/")
async def show_execution(
    run: OwnRun, principal: SignedIn, context: Context
) -> schemas.ExecutionDetailOut:
    """Show an execution with its steps."""
    steps = await workflow_runs.fetch_steps(context.pool, principal.tenant_id, run.id)
    shown = schemas.ExecutionOut.model_validate(run)
    return schemas.ExecutionDetailOut(
        **shown.model_dump(),
        steps=[schemas.StepOut.model_validate(step) for step in steps],
    )


@router.post("/{run_id}/cancel/")
async def cancel_execution(
    run: OwnRun, principal: SignedIn, context: Context
) -> schemas.ExecutionDetailOut:
    """End an execution; one that has ended stays as it is."""
    if run.status == RunStatus.RUNNING:
        await context.shards.submit(
            WorkflowCancelled(
                id=EventId(uuid4()),
                conversation_id=run.conversation_id,
                at=context.clock.now(),
                run_id=run.id,
                user_id=principal.user_id,
            )
        )
    now = await fetch_own_run(run.id, principal, context)
    return await show_execution(now, principal, context)


@router.post("/{run_id}/replay/", status_code=202)
async def replay_execution(
    run: OwnRun,
    principal: SignedIn,
    context: Context,
    request: Request,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> schemas.RunOut:
    """Begin anew at the node that failed, on the version of then."""
    steps = await workflow_runs.fetch_steps(context.pool, principal.tenant_id, run.id)
    failed = [
        step.node
        for step in steps
        if step.outcome in {Outcome.FAILED, Outcome.TIMED_OUT}
    ]
    if run.status == RunStatus.RUNNING or not failed:
        message = "run_id: no node of this execution has failed"
        raise InvalidValueError(message)
    text = await fetch_definition(
        context.pool, principal.tenant_id, run.workflow_id, run.version
    )
    definition = read_definition(require(text))
    event = WorkflowTriggered(
        id=EventId(derive_request_id(request, run.conversation_id, idempotency_key)),
        conversation_id=run.conversation_id,
        at=context.clock.now(),
        workflow=VersionRef(run.workflow_id, run.version),
        node=failed[-1],
        occasion=Occasion(TriggerKind.MANUAL),
        max_running=definition.limits.max_running,
        user_id=principal.user_id,
    )
    await context.shards.submit(event)
    return schemas.RunOut(run_id=event.run_id)
