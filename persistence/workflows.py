"""Stores workflows, their versions, and a tenant's business hours."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import cast
from uuid import UUID

from persistence import ids
from persistence.database import Connection, Db
from persistence.paging import Found, Window, fetch_window
from persistence.queries import build_row, load_queries

_SQL = load_queries("workflows")
#: PostgreSQL's channel on which shards hear that a tenant's workflows changed; the
#: payload is the tenant.
WORKFLOWS_CHANNEL = "pilito_workflows"


@dataclass(frozen=True, slots=True)
class ActiveRow:
    """An active workflow. `definition` is JSON text."""

    tenant_id: ids.TenantId
    workflow_id: ids.WorkflowId
    version: int
    definition: str


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version of a workflow. `definition` is JSON text."""

    workflow_id: ids.WorkflowId
    version: int
    definition: str


@dataclass(frozen=True, slots=True)
class ScheduledRow:
    """An active workflow with a schedule. `definition` and `hours` are JSON text."""

    tenant_id: ids.TenantId
    workflow_id: ids.WorkflowId
    version: int
    definition: str
    hours: str | None
    activated_at: datetime


@dataclass(frozen=True, slots=True)
class StoredWorkflow:
    """A workflow with its newest version. `definition` is JSON text."""

    id: ids.WorkflowId
    name: str
    description: str
    status: str
    version: int
    created_at: datetime
    updated_at: datetime
    definition: str


async def fetch_active(
    db: Db, tenants: Collection[ids.TenantId]
) -> tuple[ActiveRow, ...]:
    """Fetch the active workflows of these tenants."""
    rows = await db.fetch(_SQL["fetch_active"], list(tenants))
    return tuple(build_row(ActiveRow, row) for row in rows)


async def fetch_versions(
    db: Db, wanted: Collection[tuple[ids.WorkflowId, int]]
) -> tuple[VersionRow, ...]:
    """Fetch those of these versions that there are, whoever's they are.

    Only versions that a conversation's own runs name are asked for.
    """
    rows = await db.fetch(
        _SQL["fetch_versions"],
        [workflow for workflow, _ in wanted],
        [version for _, version in wanted],
    )
    return tuple(build_row(VersionRow, row) for row in rows)


async def fetch_workflows_page(
    db: Db, tenant_id: ids.TenantId, status: str | None, window: Window
) -> Found[StoredWorkflow]:
    """Fetch a page of workflows, the newest first."""
    return await fetch_window(
        db,
        (_SQL["fetch_workflows_page"], _SQL["count_workflows"]),
        (tenant_id, status),
        window,
        ("created_at", "id"),
        partial(build_row, StoredWorkflow),
    )


async def fetch_workflow(
    db: Db, tenant_id: ids.TenantId, workflow_id: ids.WorkflowId
) -> StoredWorkflow | None:
    """Fetch a workflow; None if it is not this tenant's."""
    row = await db.fetchrow(_SQL["fetch_workflow"], tenant_id, workflow_id)
    return None if row is None else build_row(StoredWorkflow, row)


async def fetch_definition(
    db: Db, tenant_id: ids.TenantId, workflow_id: ids.WorkflowId, version: int
) -> str | None:
    """Fetch one version's definition as JSON text; None if there is none."""
    return cast(
        "str | None",
        await db.fetchval(_SQL["fetch_definition"], tenant_id, workflow_id, version),
    )


async def insert_workflow(
    db: Connection,
    tenant_id: ids.TenantId,
    workflow: StoredWorkflow,
    author: UUID | None,
    quota: int,
) -> bool:
    """Store a new workflow as a draft; False if the tenant has as many as it may.

    The caller owns the transaction.
    """
    await db.execute(_SQL["lock_tenant"], tenant_id)
    count = await db.fetchval(_SQL["count_workflows"], tenant_id, None, quota)
    if count >= quota:
        return False
    await db.execute(
        _SQL["insert_workflow"],
        workflow.id,
        tenant_id,
        workflow.name,
        workflow.description,
    )
    await db.execute(
        _SQL["insert_version"], workflow.id, 1, tenant_id, workflow.definition, author
    )
    return True


async def save_version(
    db: Connection,
    tenant_id: ids.TenantId,
    workflow_id: ids.WorkflowId,
    version: int,
    definition: str,
    author: UUID | None,
    *,
    is_draft: bool = False,
) -> int | None:
    """Store a new version behind `version`; None if that is not the newest any more.

    One that was checked as a draft is refused once the workflow is active. The caller
    owns the transaction.
    """
    number = cast(
        "int | None",
        await db.fetchval(
            _SQL["claim_version"], tenant_id, workflow_id, version, is_draft
        ),
    )
    if number is not None:
        await db.execute(
            _SQL["insert_version"], workflow_id, number, tenant_id, definition, author
        )
    return number


async def update_texts(
    db: Db,
    tenant_id: ids.TenantId,
    workflow_id: ids.WorkflowId,
    name: str | None,
    description: str | None,
) -> None:
    """Change name and description; None leaves them."""
    await db.execute(_SQL["update_texts"], tenant_id, workflow_id, name, description)


async def set_status(
    db: Db,
    tenant_id: ids.TenantId,
    workflow_id: ids.WorkflowId,
    status: str,
    version: int | None = None,
) -> bool:
    """Set the status, if the version is still the newest; return whether it was."""
    found = await db.fetchval(
        _SQL["set_status"], tenant_id, workflow_id, status, version
    )
    return found is not None


async def delete_workflow(
    db: Db, tenant_id: ids.TenantId, workflow_id: ids.WorkflowId
) -> bool:
    """Delete a workflow; return whether there was one. Its runs go on."""
    found = await db.fetchval(_SQL["delete_workflow"], tenant_id, workflow_id)
    return found is not None


async def fetch_hours(db: Db, tenant_id: ids.TenantId) -> str | None:
    """Fetch a tenant's business hours as JSON text; None if none were set."""
    return cast("str | None", await db.fetchval(_SQL["fetch_hours"], tenant_id))


async def store_hours(db: Db, tenant_id: ids.TenantId, hours: str) -> None:
    """Store a tenant's business hours."""
    await db.execute(_SQL["store_hours"], tenant_id, hours)


async def fetch_scheduled(db: Db) -> tuple[ScheduledRow, ...]:
    """Fetch the active workflows of all tenants that begin by a schedule."""
    rows = await db.fetch(_SQL["fetch_scheduled"])
    return tuple(build_row(ScheduledRow, row) for row in rows)


async def fetch_done_until(
    db: Db,
    tenant_id: ids.TenantId,
    workflow_id: ids.WorkflowId,
    node: str,
    shard: int,
) -> datetime | None:
    """Fetch up to when a shard has begun a schedule's occurrences."""
    return cast(
        "datetime | None",
        await db.fetchval(
            _SQL["fetch_done_until"], tenant_id, workflow_id, node, shard
        ),
    )


async def store_done_until(
    db: Db,
    tenant_id: ids.TenantId,
    workflow_id: ids.WorkflowId,
    node: str,
    shard: int,
    done_until: datetime,
) -> None:
    """Store up to when a shard has begun a schedule's occurrences."""
    await db.execute(
        _SQL["store_done_until"], tenant_id, workflow_id, node, shard, done_until
    )


@dataclass(frozen=True, slots=True)
class ScheduleAudience:
    """Whom a schedule is for; empty means all."""

    written_since: datetime
    sources: tuple[str, ...]
    tags: tuple[str, ...]


async def fetch_scheduled_for(
    db: Db,
    tenant_id: ids.TenantId,
    place: tuple[int, int],
    audience: ScheduleAudience,
    after: ids.ConversationId,
    limit: int,
) -> tuple[ids.ConversationId, ...]:
    """Fetch a step of conversations; `place` is the shard, and how many there are."""
    shard, shards = place
    rows = await db.fetch(
        _SQL["fetch_scheduled_for"],
        tenant_id,
        shard,
        shards,
        after,
        audience.written_since,
        list(audience.sources),
        list(audience.tags),
        limit,
    )
    return tuple(ids.ConversationId(row["id"]) for row in rows)
