"""Reads definitions from requests, and renders them: each fault names its node."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from pydantic import ValidationError

from actors.workflow.definition import Definition
from actors.workflow.documents import (
    read_definition,
    read_hours,
    write_definition,
)
from actors.workflow.validation import (
    Problem,
    explain,
    find_unknown,
    find_urls,
    validate,
)
from deployments.egress import check_target
from deployments.web.api.errors import InvalidValueError
from deployments.web.api.workflow.schemas import WorkflowOut
from deployments.web.dependencies import WebDependencies
from persistence.ids import TenantId
from persistence.workflows import StoredWorkflow, fetch_hours

Document = dict[str, object]


@dataclass(frozen=True, slots=True)
class Checked:
    """A definition that may be saved, and what a draft of it still misses."""

    definition: Definition
    missing: tuple[str, ...]

    @property
    def text(self) -> str:
        """The definition as it is stored."""
        return write_definition(self.definition)


async def check_document(
    context: WebDependencies,
    tenant_id: TenantId,
    document: Document,
    *,
    is_draft: bool = True,
) -> Checked:
    """Read and check a definition.

    Raises:
        InvalidValueError: it is none, or no run could go through it; the message names
            the nodes. What is only missing yet is a problem unless it `is_draft`.
    """
    definition = _read(document)
    problems = await find_problems(context, tenant_id, definition)
    refused = [one for one in problems if not (one.is_open and is_draft)]
    if refused:
        raise InvalidValueError("; ".join(map(str, refused)))
    for node, url in find_urls(definition):
        problem = await check_target(context.egress, url)
        if problem is not None:
            message = f"node {node}: url: {problem}"
            raise InvalidValueError(message)
    return Checked(definition, tuple(str(one) for one in problems))


async def find_problems(
    context: WebDependencies, tenant_id: TenantId, definition: Definition
) -> tuple[Problem, ...]:
    """Return what is wrong with a definition now, by the tenant's clock."""
    hours = read_hours(await fetch_hours(context.pool, tenant_id))
    return validate(definition, context.clock.now(), hours.time_zone)


def as_document(text: str) -> Document:
    """Return a stored definition as JSON, with nodes, connections and limits."""
    loaded: Document = orjson.loads(write_definition(read_definition(text)))
    return loaded


async def render_workflow(
    context: WebDependencies, tenant_id: TenantId, stored: StoredWorkflow
) -> WorkflowOut:
    """Render a workflow, with what it misses."""
    definition = read_definition(stored.definition)
    problems = await find_problems(context, tenant_id, definition)
    fields: Mapping[str, object] = {
        "id": stored.id,
        "name": stored.name,
        "description": stored.description,
        "status": stored.status,
        "version": stored.version,
        "problems": [str(one) for one in problems],
        "created_at": stored.created_at,
        "updated_at": stored.updated_at,
        **as_document(stored.definition),
    }
    return WorkflowOut.model_validate(fields)


def _read(document: Document) -> Definition:
    try:
        definition = read_definition(orjson.dumps(document).decode())
    except (ValidationError, orjson.JSONEncodeError) as error:
        if isinstance(error, ValidationError):
            told = "; ".join(map(str, explain(error, document)))
            raise InvalidValueError(told) from error
        message = "nodes: a text of it can't be stored"
        raise InvalidValueError(message) from error
    written = orjson.loads(write_definition(definition))
    unknown = next(find_unknown(document, written), None)
    if unknown is not None:
        message = f"{unknown}: there is no such field"
        raise InvalidValueError(message)
    return definition
