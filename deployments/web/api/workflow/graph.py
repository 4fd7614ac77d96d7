"""Nodes and connections of a workflow, one by one or many at once.

Each change is a new version, by the same compare-and-set as a save of the whole.
"""

from collections.abc import Callable
from typing import Annotated, cast

from fastapi import APIRouter, Query

from actors.workflow.definition import EdgeKind
from deployments.web.api.auth import Principal, SignedIn
from deployments.web.api.errors import InvalidValueError, NotFoundError, require
from deployments.web.api.workflow import schemas
from deployments.web.api.workflow.documents import (
    Document,
    as_document,
    render_workflow,
)
from deployments.web.api.workflow.workflows import OwnWorkflow, save_document
from deployments.web.dependencies import Context, WebDependencies
from persistence import workflows
from persistence.workflows import StoredWorkflow

router = APIRouter(prefix="/api/workflow/workflows/{workflow_id}", tags=["workflow"])

Version = Annotated[int | None, Query(ge=1)]
Parts = list[dict[str, object]]


@router.get("/nodes/")
async def list_nodes(workflow: OwnWorkflow) -> Parts:
    """List the nodes, in their order."""
    return _parts(as_document(workflow.definition), "nodes")


@router.post("/nodes/", status_code=201)
async def add_node(
    workflow: OwnWorkflow, body: schemas.NodeIn, principal: SignedIn, context: Context
) -> schemas.WorkflowOut:
    """Add a node."""

    def change(document: Document) -> None:
        if _find(document, body.node.get("id")) is not None:
            message = f"id: there is a node {body.node.get('id')} already"
            raise InvalidValueError(message)
        _parts(document, "nodes").append(body.node)

    return await _change(context, principal, workflow, body.version, change)


@router.post("/nodes/bulk/")
async def change_nodes(
    workflow: OwnWorkflow,
    body: schemas.NodesBulk,
    principal: SignedIn,
    context: Context,
) -> schemas.WorkflowOut:
    """Add, replace and remove nodes; connections of removed nodes go with them."""

    def change(document: Document) -> None:
        for name in body.remove:
            _remove_node(document, name)
        for node in body.put:
            _put_node(document, node)

    return await _change(context, principal, workflow, body.version, change)


@router.get("/nodes/{node_id}/")
async def show_node(node_id: str, workflow: OwnWorkflow) -> dict[str, object]:
    """Show a node."""
    return require(_find(as_document(workflow.definition), node_id))


@router.put("/nodes/{node_id}/")
async def replace_node(
    node_id: str,
    workflow: OwnWorkflow,
    body: schemas.NodeIn,
    principal: SignedIn,
    context: Context,
) -> schemas.WorkflowOut:
    """Replace a node, of any kind; its connections stay."""

    def change(document: Document) -> None:
        require(_find(document, node_id))
        _put_node(document, {**body.node, "id": node_id})

    return await _change(context, principal, workflow, body.version, change)


@router.delete("/nodes/{node_id}/")
async def remove_node(
    node_id: str,
    workflow: OwnWorkflow,
    principal: SignedIn,
    context: Context,
    version: Version = None,
) -> schemas.WorkflowOut:
    """Remove a node with its connections."""
    return await _change(
        context,
        principal,
        workflow,
        version,
        lambda document: _remove_node(document, node_id),
    )


@router.get("/connections/")
async def list_connections(workflow: OwnWorkflow) -> Parts:
    """List the connections, in their order."""
    return _parts(as_document(workflow.definition), "connections")


@router.post("/connections/", status_code=201)
async def add_connection(
    workflow: OwnWorkflow,
    body: schemas.ConnectionIn,
    principal: SignedIn,
    context: Context,
) -> schemas.WorkflowOut:
    """Add a connection."""
    return await _change(
        context,
        principal,
        workflow,
        body.version,
        lambda document: _parts(document, "connections").append(body.connection),
    )


@router.post("/connections/bulk/")
async def change_connections(
    workflow: OwnWorkflow,
    body: schemas.ConnectionsBulk,
    principal: SignedIn,
    context: Context,
) -> schemas.WorkflowOut:
    """Add and remove connections."""

    def change(document: Document) -> None:
        for connection in body.remove:
            _remove_connection(document, connection)
        _parts(document, "connections").extend(body.add)

    return await _change(context, principal, workflow, body.version, change)


@router.delete("/connections/")
async def remove_connection(
    workflow: OwnWorkflow,
    principal: SignedIn,
    context: Context,
    source: str,
    target: str,
    type: EdgeKind = EdgeKind.SUCCESS,
    version: Version = None,
) -> schemas.WorkflowOut:
    """Remove a connection."""
    connection: dict[str, object] = {"source": source, "target": target, "type": type}
    return await _change(
        context,
        principal,
        workflow,
        version,
        lambda document: _remove_connection(document, connection),
    )


async def _change(
    context: WebDependencies,
    principal: Principal,
    workflow: StoredWorkflow,
    version: int | None,
    change: Callable[[Document], None],
) -> schemas.WorkflowOut:
    document = as_document(workflow.definition)
    change(document)
    await save_document(
        context, principal, workflow, document, version or workflow.version
    )
    stored = await workflows.fetch_workflow(
        context.pool, principal.tenant_id, workflow.id
    )
    return await render_workflow(context, principal.tenant_id, require(stored))


def _parts(document: Document, name: str) -> Parts:
    return cast("Parts", document[name])


def _find(document: Document, name: object) -> dict[str, object] | None:
    for node in _parts(document, "nodes"):
        if node["id"] == name:
            return node
    return None


def _put_node(document: Document, node: dict[str, object]) -> None:
    nodes = _parts(document, "nodes")
    for index, known in enumerate(nodes):
        if known["id"] == node.get("id"):
            nodes[index] = node
            return
    nodes.append(node)


def _remove_node(document: Document, name: str) -> None:
    require(_find(document, name))
    document["nodes"] = [one for one in _parts(document, "nodes") if one["id"] != name]
    document["connections"] = [
        one
        for one in _parts(document, "connections")
        if name not in (one["source"], one["target"])
    ]


def _remove_connection(document: Document, connection: dict[str, object]) -> None:
    wanted = {"type": EdgeKind.SUCCESS, **connection}
    known = _parts(document, "connections")
    kept = [one for one in known if one != wanted]
    if len(kept) == len(known):
        raise NotFoundError
    document["connections"] = kept
