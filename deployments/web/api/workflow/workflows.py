"""`/api/workflow/workflows/`: the tenant's workflows, and their versions."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends, Header, Request

from actors.conversation.events import WorkflowTriggered
from actors.workflow.definition import Manual, TriggerKind, VersionRef, When
from actors.workflow.documents import read_definition
from actors.workflow.run import Occasion
from deployments.web.api.auth import Principal, SignedIn
from deployments.web.api.conversations import derive_request_id
from deployments.web.api.errors import (
    EditedMeanwhileError,
    InvalidValueError,
    LimitReachedError,
    VersionConflictError,
    require,
)
from deployments.web.api.schemas import LeftEmpty, Page, Paging
from deployments.web.api.workflow import schemas
from deployments.web.api.workflow.documents import (
    Document,
    as_document,
    check_document,
    render_workflow,
)
from deployments.web.dependencies import Context, WebDependencies
from persistence import conversations, workflow_runs, workflows
from persistence.ids import EventId, WorkflowId
from persistence.workflows import StoredWorkflow

router = APIRouter(prefix="/api/workflow/workflows", tags=["workflow"])

#: Workflows that a tenant may have.
MAX_WORKFLOWS = 100
STATISTICS_SPAN = timedelta(days=30)
NO_TEXTS = schemas.WorkflowPatch()


class Status(StrEnum):
    """The statuses of a workflow."""

    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"


async def fetch_own_workflow(
    workflow_id: WorkflowId, principal: SignedIn, context: Context
) -> StoredWorkflow:
    """Return the workflow at this address; another tenant's does not exist."""
    return require(
        await workflows.fetch_workflow(context.pool, principal.tenant_id, workflow_id)
    )


OwnWorkflow = Annotated[StoredWorkflow, Depends(fetch_own_workflow)]


@router.get("/")
async def list_workflows(
    principal: SignedIn,
    context: Context,
    paging: Paging,
    status: Annotated[Status | None, LeftEmpty] = None,
) -> Page[schemas.WorkflowOut]:
    """List workflows, the newest first."""
    tenant_id = principal.tenant_id
    found = await workflows.fetch_workflows_page(
        context.pool, tenant_id, status, paging.window()
    )
    rows = [await render_workflow(context, tenant_id, row) for row in found.rows]
    return paging.build_found(found, rows)


@router.post("/", status_code=201)
async def create_workflow(
    body: schemas.WorkflowIn, principal: SignedIn, context: Context
) -> schemas.WorkflowOut:
    """Make a workflow, as a draft."""
    return await store_new(
        context, principal, body.name, body.description, document_of(body)
    )


@router.post("/import/", status_code=201)
async def import_workflow(
    body: schemas.WorkflowIn, principal: SignedIn, context: Context
) -> schemas.WorkflowOut:
    """Make a workflow from what `export/` returned, as a draft."""
    return await create_workflow(body, principal, context)


@router.get("/{workflow_id}/")
async def show_workflow(
    workflow: OwnWorkflow, principal: SignedIn, context: Context
) -> schemas.WorkflowOut:
    """Show a workflow with its newest version."""
    return await render_workflow(context, principal.tenant_id, workflow)


@router.put("/{workflow_id}/")
async def save_workflow(
    workflow: OwnWorkflow,
    body: schemas.WorkflowPut,
    principal: SignedIn,
    context: Context,
) -> schemas.WorkflowOut:
    """Save a new version; 409, with both versions, if another was saved since.

    Runs that are under way stay on the version that they began with.
    """
    texts = schemas.WorkflowPatch(name=body.name, description=body.description)
    document = document_of(body)
    await save_document(context, principal, workflow, document, body.version, texts)
    return await _show_again(context, principal, workflow.id)


@router.patch("/{workflow_id}/")
async def rename_workflow(
    workflow: OwnWorkflow,
    body: schemas.WorkflowPatch,
    principal: SignedIn,
    context: Context,
) -> schemas.WorkflowOut:
    """Change name or description."""
    await workflows.update_texts(
        context.pool, principal.tenant_id, workflow.id, body.name, body.description
    )
    return await _show_again(context, principal, workflow.id)


@router.delete("/{workflow_id}/", status_code=204)
async def delete_workflow(
    workflow: OwnWorkflow, principal: SignedIn, context: Context
) -> None:
    """Delete a workflow: it begins no more. Runs that are under way go on."""
    await workflows.delete_workflow(context.pool, principal.tenant_id, workflow.id)


@router.post("/{workflow_id}/activate/")
async def activate_workflow(
    workflow: OwnWorkflow, principal: SignedIn, context: Context
) -> schemas.WorkflowOut:
    """Let the workflow begin runs. 422 names what it misses."""
    document = as_document(workflow.definition)
    await check_document(context, principal.tenant_id, document, is_draft=False)
    is_newest = await workflows.set_status(
        context.pool, principal.tenant_id, workflow.id, Status.ACTIVE, workflow.version
    )
    if not is_newest:
        raise EditedMeanwhileError
    return await _show_again(context, principal, workflow.id)


@router.post("/{workflow_id}/pause/")
async def pause_workflow(
    workflow: OwnWorkflow, principal: SignedIn, context: Context
) -> schemas.WorkflowOut:
    """Let the workflow begin no more runs; those that are under way go on."""
    await workflows.set_status(
        context.pool, principal.tenant_id, workflow.id, Status.PAUSED
    )
    return await _show_again(context, principal, workflow.id)


@router.post("/{workflow_id}/duplicate/", status_code=201)
async def duplicate_workflow(
    workflow: OwnWorkflow, principal: SignedIn, context: Context
) -> schemas.WorkflowOut:
    """Make a draft of the newest version."""
    name = f"{workflow.name[:190]} (2)"
    document = as_document(workflow.definition)
    return await store_new(context, principal, name, workflow.description, document)


@router.get("/{workflow_id}/export/")
async def export_workflow(workflow: OwnWorkflow) -> schemas.ExportOut:
    """Export the newest version, as `import/` takes it, without loss."""
    return schemas.ExportOut.model_validate(
        {
            "name": workflow.name,
            "description": workflow.description,
            **as_document(workflow.definition),
        }
    )


@router.get("/{workflow_id}/statistics/")
async def show_statistics(
    workflow: OwnWorkflow, principal: SignedIn, context: Context
) -> schemas.StatisticsOut:
    """Show how the runs of the last 30 days ended, and the steps of each node."""
    since: datetime = context.clock.now() - STATISTICS_SPAN
    place = context.pool, principal.tenant_id, workflow.id, since
    return schemas.StatisticsOut(
        since=since,
        runs=await workflow_runs.count_by_status(*place),
        steps=await workflow_runs.count_by_node(*place),
    )


@router.post("/{workflow_id}/run/", status_code=202)
async def run_workflow(
    workflow: OwnWorkflow,
    body: schemas.RunIn,
    principal: SignedIn,
    context: Context,
    request: Request,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> schemas.RunOut:
    """Begin the workflow in a conversation, at its `manual` trigger."""
    conversation = require(
        await conversations.fetch_conversation(
            context.pool,
            conversations.Reader(principal.tenant_id),
            body.conversation_id,
        )
    )
    if workflow.status != Status.ACTIVE:
        message = "status: only an active workflow begins; activate it first"
        raise InvalidValueError(message)
    definition = read_definition(workflow.definition)
    begin = next(
        (
            node
            for node in definition.nodes
            if isinstance(node, When) and isinstance(node.trigger, Manual)
        ),
        None,
    )
    if begin is None:
        message = "nodes: none has the trigger `manual`, where this would begin"
        raise InvalidValueError(message)
    event = WorkflowTriggered(
        id=EventId(derive_request_id(request, conversation.id, idempotency_key)),
        conversation_id=conversation.id,
        at=context.clock.now(),
        workflow=VersionRef(workflow.id, workflow.version),
        node=begin.id,
        occasion=Occasion(TriggerKind.MANUAL),
        max_per_customer=definition.limits.max_runs_per_customer,
        max_running=definition.limits.max_running,
        user_id=principal.user_id,
    )
    await context.shards.submit(event)
    return schemas.RunOut(run_id=event.run_id)


# --- What the other routes of workflows use too ------------------------------------


def document_of(body: schemas.DefinitionIn) -> Document:
    """Return the definition of a request, as far as it names its parts."""
    document: Document = {"nodes": body.nodes, "connections": body.connections}
    return {**document, "limits": body.limits} if body.limits else document


async def store_new(
    context: WebDependencies,
    principal: Principal,
    name: str,
    description: str,
    document: Document,
) -> schemas.WorkflowOut:
    """Store a new draft. Raises InvalidValueError, LimitReachedError."""
    tenant_id, now = principal.tenant_id, context.clock.now()
    checked = await check_document(context, tenant_id, document)
    workflow = StoredWorkflow(
        id=WorkflowId(uuid4()),
        name=name,
        description=description,
        status=Status.DRAFT,
        version=1,
        created_at=now,
        updated_at=now,
        definition=checked.text,
    )
    async with context.pool.acquire() as db, db.transaction():
        is_stored = await workflows.insert_workflow(
            db, tenant_id, workflow, principal.user_id, MAX_WORKFLOWS
        )
    if not is_stored:
        message = (
            f"There may be {MAX_WORKFLOWS} workflows. Delete one that is not used."
        )
        raise LimitReachedError(message)
    return await _show_again(context, principal, workflow.id)


async def save_document(
    context: WebDependencies,
    principal: Principal,
    workflow: StoredWorkflow,
    document: Document,
    version: int,
    texts: schemas.WorkflowPatch = NO_TEXTS,
) -> None:
    """Store a new version behind `version`, and another name or description.

    Raises:
        InvalidValueError: no run could go through it.
        VersionConflictError: another is the newest.
    """
    tenant_id = principal.tenant_id
    is_draft = workflow.status == Status.DRAFT
    checked = await check_document(context, tenant_id, document, is_draft=is_draft)
    async with context.pool.acquire() as db, db.transaction():
        saved = await workflows.save_version(
            db,
            tenant_id,
            workflow.id,
            version,
            checked.text,
            principal.user_id,
            is_draft=is_draft,
        )
        if saved is not None:
            await workflows.update_texts(
                db, tenant_id, workflow.id, texts.name, texts.description
            )
    if saved is None:
        newest = require(
            await workflows.fetch_workflow(context.pool, tenant_id, workflow.id)
        )
        message = (
            f"version {version} was read, and version {newest.version} is the newest;"
            " read it, and save again"
        )
        raise VersionConflictError(message, version, newest.version)


async def _show_again(
    context: WebDependencies, principal: Principal, workflow_id: WorkflowId
) -> schemas.WorkflowOut:
    stored = await workflows.fetch_workflow(
        context.pool, principal.tenant_id, workflow_id
    )
    return await render_workflow(context, principal.tenant_id, require(stored))
