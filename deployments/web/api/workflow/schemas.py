"""Bodies and answers of `/api/workflow/`."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from actors.workflow.definition import MAX_CONNECTIONS, MAX_NODES
from deployments.web.api.schemas import Answer, Name, NoNul, RequestBody
from persistence.ids import ConversationId

Description = Annotated[str, StringConstraints(max_length=2000), NoNul]
Nodes = Annotated[
    list[dict[str, object]], Field(max_length=MAX_NODES, default_factory=list)
]
Connections = Annotated[
    list[dict[str, object]], Field(max_length=MAX_CONNECTIONS, default_factory=list)
]
Version = Annotated[int, Field(ge=1)]


class DefinitionIn(RequestBody):
    """Nodes, connections and limits; see `GET /api/workflow/schema/`."""

    nodes: Nodes
    connections: Connections
    limits: Annotated[dict[str, object], Field(default_factory=dict)]


class WorkflowIn(DefinitionIn):
    """A workflow to be made; it is a draft until it is activated."""

    name: Name
    description: Description = ""


class WorkflowPut(WorkflowIn):
    """A new version behind the one that was read."""

    version: Version


class WorkflowPatch(RequestBody):
    """Another name or description; no version is made."""

    name: Name | None = None
    description: Description | None = None


class NodeIn(RequestBody):
    """A node to add or replace; without a version, behind the newest."""

    node: dict[str, object]
    version: Version | None = None


class NodesBulk(RequestBody):
    """Nodes to add or replace, and ids of nodes to remove, in one version."""

    put: Nodes
    remove: Annotated[list[str], Field(max_length=MAX_NODES, default_factory=list)]
    version: Version | None = None


class ConnectionIn(RequestBody):
    """A connection to add."""

    connection: dict[str, object]
    version: Version | None = None


class ConnectionsBulk(RequestBody):
    """Connections to add and to remove, in one version."""

    add: Connections
    remove: Connections
    version: Version | None = None


class RunIn(RequestBody):
    """The conversation in which a workflow is to begin."""

    conversation_id: ConversationId


class WorkflowOut(Answer):
    """A workflow; `problems` are what a draft misses before it can be activated."""

    id: UUID
    name: str
    description: str
    status: str
    version: int
    nodes: list[dict[str, object]]
    connections: list[dict[str, object]]
    limits: dict[str, object]
    problems: list[str]
    created_at: datetime
    updated_at: datetime


class ExportOut(Answer):
    """A workflow as a file: what `import/` takes."""

    name: str
    description: str
    nodes: list[dict[str, object]]
    connections: list[dict[str, object]]
    limits: dict[str, object]


class RunOut(Answer):
    """The run that begins; it is an execution once it is admitted."""

    run_id: UUID


class StatisticsOut(Answer):
    """Runs since `since` by status, and ended steps by node and outcome."""

    since: datetime
    runs: dict[str, int]
    steps: dict[str, dict[str, int]]


class ExecutionOut(Answer):
    """A run of a workflow; `waiting_for` is the node at which it stands."""

    id: UUID
    workflow_id: UUID
    workflow_name: str
    version: int
    conversation_id: UUID
    customer_id: UUID
    status: str
    reason: str
    trigger: str
    depth: int
    started_at: datetime
    finished_at: datetime | None
    waiting_for: str


class StepOut(Answer):
    """What a node did; `edge` is null where no connection was there to follow."""

    step: int
    node: str
    outcome: str
    edge: str | None
    detail: str
    at: datetime


class ExecutionDetailOut(ExecutionOut):
    """A run with its steps."""

    steps: list[StepOut]


class TemplateOut(Answer):
    """A workflow to begin with, in the tenant's language."""

    key: str
    name: str
    description: str
    nodes: list[dict[str, object]]
    connections: list[dict[str, object]]
    limits: dict[str, object]
