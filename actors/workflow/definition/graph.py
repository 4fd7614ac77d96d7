"""Nodes, connections and limits: what a run goes through."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints

from actors.workflow.definition.actions import USUAL_RETRY, Action, Retry
from actors.workflow.definition.conditions import Clause
from actors.workflow.definition.terms import (
    MAX_TEXT_CHARS,
    Duration,
    EdgeKind,
    Key,
    NodeId,
    Text,
    Title,
    Unit,
    Words,
)
from actors.workflow.definition.triggers import Trigger
from persistence.ids import WorkflowId

MAX_NODES = 100
MAX_CONNECTIONS = 300
ONE_DAY = Duration(1, Unit.DAYS)


@dataclass(frozen=True, slots=True)
class When:
    """A trigger: where a run begins."""

    id: NodeId
    trigger: Trigger
    title: Title = ""
    type: Literal["when"] = "when"


@dataclass(frozen=True, slots=True)
class Condition:
    """A fork: `success` if the clauses hold together, else `failure`."""

    id: NodeId
    clauses: Annotated[tuple[Clause, ...], Field(min_length=1, max_length=20)]
    operator: Literal["and", "or"] = "and"
    title: Title = ""
    type: Literal["condition"] = "condition"


@dataclass(frozen=True, slots=True)
class ActionNode:
    """Something that is done."""

    id: NodeId
    action: Action
    retry: Retry = USUAL_RETRY
    title: Title = ""
    type: Literal["action"] = "action"


class AnswerKind(StrEnum):
    """What a waiting node takes for an answer."""

    TEXT = "text"
    NUMBER = "number"
    EMAIL = "email"
    PHONE = "phone"
    DATE = "date"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Reminder:
    """Words that are sent once, so long before the time limit."""

    before: Duration
    text: Text


@dataclass(frozen=True, slots=True)
class Waiting:
    """A question to the customer, and the wait for its answer.

    Edges: `success` with a fitting answer, `failure` after too many others, `timeout`
    at the time limit, `skip` at a skip keyword (`success` where there is no such edge).
    An exit keyword ends the run.
    """

    id: NodeId
    prompt: Text
    #: The answer is stored as this attribute of the customer, and value of the run.
    attribute: Key
    answer: AnswerKind = AnswerKind.TEXT
    choices: Words = ()
    #: Sent with the question after an answer that does not fit; empty for a usual text.
    error_text: Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARS)] = ""
    allowed_errors: Annotated[int, Field(ge=0, le=20)] = 2
    time_limit: Duration = ONE_DAY
    reminder: Reminder | None = None
    skip_keywords: Words = ()
    exit_keywords: Words = ()
    title: Title = ""
    type: Literal["waiting"] = "waiting"


Node: TypeAlias = Annotated[
    When | Condition | ActionNode | Waiting, Field(discriminator="type")
]


@dataclass(frozen=True, slots=True)
class Connection:
    """An edge from one node to another."""

    source: NodeId
    target: NodeId
    type: EdgeKind = EdgeKind.SUCCESS


@dataclass(frozen=True, slots=True)
class Limits:
    """How often a workflow may run; None for as often as the tenant's quota lets it."""

    max_runs_per_customer: Annotated[int, Field(ge=1, le=1000)] | None = None
    #: At once, over all customers.
    max_running: Annotated[int, Field(ge=1, le=100_000)] | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """What a run goes through; a new version is made with each change."""

    nodes: Annotated[tuple[Node, ...], Field(max_length=MAX_NODES)] = ()
    connections: Annotated[
        tuple[Connection, ...], Field(max_length=MAX_CONNECTIONS)
    ] = ()
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class VersionRef:
    """A version of a workflow, which never changes."""

    workflow_id: WorkflowId
    version: int


@dataclass(frozen=True, slots=True)
class Graph:
    """A definition with its nodes and edges by id, made once a version."""

    definition: Definition
    nodes: dict[str, When | Condition | ActionNode | Waiting]
    targets: dict[tuple[str, EdgeKind], tuple[str, ...]]

    def follow(self, node: str, edge: EdgeKind) -> tuple[str, ...]:
        """Return the nodes behind the edges of a kind; several are branches."""
        return self.targets.get((node, edge), ())


def build_graph(definition: Definition) -> Graph:
    """Build the graph of a definition; connections keep their order."""
    targets: dict[tuple[str, EdgeKind], tuple[str, ...]] = {}
    for edge in definition.connections:
        key = edge.source, edge.type
        targets[key] = (*targets.get(key, ()), edge.target)
    return Graph(definition, {node.id: node for node in definition.nodes}, targets)


#: Of a version that is gone: its runs can only be ended.
NO_GRAPH = build_graph(Definition())
