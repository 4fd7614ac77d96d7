"""The schema of definitions, templates to begin with, and the business hours."""

import orjson
from fastapi import APIRouter

from actors.workflow.definition import BusinessHours
from actors.workflow.documents import (
    read_hours,
    render_schema,
    write_definition,
    write_hours,
)
from actors.workflow.hours import check_hours
from deployments.web.api.auth import Principal, SignedIn
from deployments.web.api.errors import InvalidValueError, NotFoundError, require
from deployments.web.api.workflow import schemas
from deployments.web.api.workflow.workflows import store_new
from deployments.web.dependencies import Context, WebDependencies
from deployments.workflows.templates import TEMPLATES, Template
from persistence.tenants import fetch_tenant
from persistence.workflows import fetch_hours, store_hours

router = APIRouter(prefix="/api/workflow", tags=["workflow"])


@router.get("/schema/")
async def show_schema(_: SignedIn) -> dict[str, object]:
    """Return the JSON Schema of nodes, connections and limits."""
    schema: dict[str, object] = orjson.loads(render_schema())
    return schema


@router.get("/templates/")
async def list_templates(
    principal: SignedIn, context: Context
) -> list[schemas.TemplateOut]:
    """List workflows to begin with, in the tenant's language."""
    return [_render(one) for one in await _templates(context, principal)]


@router.post("/templates/{key}/create/", status_code=201)
async def create_from_template(
    key: str, principal: SignedIn, context: Context
) -> schemas.WorkflowOut:
    """Make a draft from a template."""
    for template in await _templates(context, principal):
        if template.key == key:
            shown = _render(template)
            document = shown.model_dump(include={"nodes", "connections", "limits"})
            return await store_new(
                context, principal, template.name, template.description, document
            )
    raise NotFoundError


@router.get("/business-hours/")
async def show_hours(principal: SignedIn, context: Context) -> BusinessHours:
    """Show the business hours; a week without days is always open."""
    return read_hours(await fetch_hours(context.pool, principal.tenant_id))


@router.put("/business-hours/")
async def save_hours(
    body: BusinessHours, principal: SignedIn, context: Context
) -> BusinessHours:
    """Replace the business hours: time zone, week (Monday first), exceptions."""
    problem = check_hours(body)
    if problem is not None:
        raise InvalidValueError(problem)
    await store_hours(context.pool, principal.tenant_id, write_hours(body))
    return body


async def _templates(
    context: WebDependencies, principal: Principal
) -> tuple[Template, ...]:
    tenant = require(await fetch_tenant(context.pool, principal.tenant_id))
    return TEMPLATES["en" if tenant.language == "en" else "fa"]


def _render(template: Template) -> schemas.TemplateOut:
    document = orjson.loads(write_definition(template.definition))
    return schemas.TemplateOut.model_validate(
        {
            "key": template.key,
            "name": template.name,
            "description": template.description,
            **document,
        }
    )
