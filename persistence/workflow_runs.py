"""Stores runs of workflows: their admission, where they stand, and their steps."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, cast

import orjson

from persistence import ids
from persistence.database import Connection, Db, Pool
from persistence.paging import Found, Window, fetch_window
from persistence.queries import build_row, load_queries

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_SQL = load_queries("workflow_runs")
#: Finished runs are kept so long.
RUNS_KEPT = timedelta(days=90)
#: Rows of one step of pruning; each takes its steps along.
PRUNE_ROWS = 1000
RUNNING = "running"
REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class RunOpening:
    """A run that asks to be admitted."""

    run_id: ids.RunId
    tenant_id: ids.TenantId
    workflow_id: ids.WorkflowId
    version: int
    conversation_id: ids.ConversationId
    customer_id: ids.CustomerId
    trigger: str
    depth: int
    started_at: datetime
    #: Of this workflow at once; None for no limit of its own.
    max_running: int | None
    #: Of all the tenant's workflows at once.
    tenant_quota: int


@dataclass(frozen=True, slots=True)
class FactsRow:
    """What the database knows of a customer, and the tenant's hours, if any are set."""

    first_name: str
    last_name: str
    username: str
    platform_id: str
    tags: tuple[str, ...]
    attributes: dict[str, object]
    tenant_name: str
    language: str
    hours: dict[str, object] | None


# Rows that are written: see journal.py.
@dataclass
class RunUpdate:
    """Where a run stands; it may have ended before it had a row."""

    run_id: ids.RunId
    tenant_id: ids.TenantId
    workflow_id: ids.WorkflowId
    version: int
    conversation_id: ids.ConversationId
    customer_id: ids.CustomerId
    status: str
    reason: str
    trigger: str
    depth: int
    started_at: datetime
    finished_at: datetime | None
    waiting_for: str


@dataclass
class StepRow:
    """What a node of a run did."""

    run_id: ids.RunId
    tenant_id: ids.TenantId
    conversation_id: ids.ConversationId
    step: int
    node: str
    outcome: str
    edge: str | None
    detail: str
    at: datetime


@dataclass
class CardChange:
    """A change of a customer's tags and attributes."""

    customer_id: ids.CustomerId
    tenant_id: ids.TenantId
    add_tags: tuple[str, ...]
    remove_tags: tuple[str, ...]
    attributes: dict[str, str]


@dataclass(slots=True)
class Progress:
    """What runs did within one batch. It is false if they did nothing."""

    runs: dict[ids.RunId, RunUpdate] = field(default_factory=dict)
    steps: list[StepRow] = field(default_factory=list)
    cards: list[CardChange] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.runs or self.steps or self.cards)


@dataclass(frozen=True, slots=True)
class StoredRun:
    """An execution as the API shows it."""

    id: ids.RunId
    workflow_id: ids.WorkflowId
    workflow_name: str
    version: int
    conversation_id: ids.ConversationId
    customer_id: ids.CustomerId
    status: str
    reason: str
    trigger: str
    depth: int
    started_at: datetime
    finished_at: datetime | None
    waiting_for: str


@dataclass(frozen=True, slots=True)
class StoredStep:
    """A step of an execution."""

    step: int
    node: str
    outcome: str
    edge: str | None
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RunFilter:
    """The filter of a page; None leaves a condition out."""

    workflow_id: ids.WorkflowId | None = None
    conversation_id: ids.ConversationId | None = None
    status: str | None = None


async def open_run(pool: Pool, opening: RunOpening) -> str | None:
    """Admit a run, once; return why it is refused, or None.

    Whoever asks again, after a crash, gets the same answer. Limits hold however many
    shards ask at once: openings of one tenant wait for each other.
    """
    tenant_id = opening.tenant_id
    async with pool.acquire() as db, db.transaction():
        await db.execute(_SQL["lock_tenant"], tenant_id)
        known = await db.fetchrow(_SQL["fetch_run"], tenant_id, opening.run_id)
        if known is not None:
            return None if known["status"] == RUNNING else str(known["reason"])
        is_there = await db.fetchval(
            _SQL["lock_workflow"], tenant_id, opening.workflow_id
        )
        if not is_there:
            return "the workflow was deleted"
        refusal = await _find_refusal(db, opening)
        await db.execute(
            _SQL["insert_run"],
            opening.run_id,
            tenant_id,
            opening.workflow_id,
            opening.version,
            opening.conversation_id,
            opening.customer_id,
            RUNNING if refusal is None else REFUSED,
            refusal or "",
            opening.trigger,
            opening.depth,
            opening.started_at,
        )
    return refusal


async def _find_refusal(db: Connection, opening: RunOpening) -> str | None:
    limit, quota = opening.max_running, opening.tenant_quota
    running = await db.fetchrow(
        _SQL["count_running"],
        opening.tenant_id,
        opening.workflow_id,
        limit or 0,
        quota,
    )
    if running is None:
        return None
    if limit is not None and running["of_workflow"] >= limit:
        return f"{limit} runs of the workflow are under way, as many as it may have"
    if running["of_tenant"] >= quota:
        return f"{quota} runs are under way, as many as a business may have"
    return None


async def fetch_facts(
    db: Db, tenant_id: ids.TenantId, customer_id: ids.CustomerId
) -> FactsRow | None:
    """Fetch what a run may know of its customer; None if there is no such customer."""
    row = await db.fetchrow(_SQL["fetch_facts"], tenant_id, customer_id)
    return None if row is None else build_row(FactsRow, row)


def keep_near_exceptions(hours: Mapping[str, object], today: date) -> dict[str, object]:
    """Return hours with the exceptions of these days: a run carries them along."""
    near = {str(today + timedelta(days=days)) for days in range(-2, 3)}
    exceptions = cast("list[dict[str, object]]", hours.get("exceptions", []))
    return {**hours, "exceptions": [one for one in exceptions if one["day"] in near]}


async def record_progress(db: Connection, progress: Progress) -> None:
    """Record what runs did, in the transaction of the events that moved them."""
    moved = [row for row in progress.runs.values() if row.status == RUNNING]
    ended = [row for row in progress.runs.values() if row.status != RUNNING]
    if ended:
        await db.execute(_SQL["end_runs"], _to_json(ended))
    if moved:
        await db.execute(_SQL["move_runs"], _to_json(moved))
    if progress.steps:
        await db.execute(_SQL["insert_steps"], _to_json(progress.steps))
    for card in progress.cards:
        await db.execute(
            _SQL["change_card"],
            card.tenant_id,
            card.customer_id,
            list(card.add_tags),
            list(card.remove_tags),
            card.attributes,
        )


async def fetch_runs_page(
    db: Db, tenant_id: ids.TenantId, wanted: RunFilter, window: Window
) -> Found[StoredRun]:
    """Fetch a page of executions, the newest first."""
    return await fetch_window(
        db,
        (_SQL["fetch_runs_page"], _SQL["count_runs"]),
        (tenant_id, wanted.workflow_id, wanted.conversation_id, wanted.status),
        window,
        ("started_at", "id"),
        partial(build_row, StoredRun),
    )


async def fetch_one_run(
    db: Db, tenant_id: ids.TenantId, run_id: ids.RunId
) -> StoredRun | None:
    """Fetch an execution; None if it is not this tenant's."""
    row = await db.fetchrow(_SQL["fetch_one_run"], tenant_id, run_id)
    return None if row is None else build_row(StoredRun, row)


async def fetch_steps(
    db: Db, tenant_id: ids.TenantId, run_id: ids.RunId
) -> tuple[StoredStep, ...]:
    """Fetch the steps of an execution, in order."""
    rows = await db.fetch(_SQL["fetch_steps"], tenant_id, run_id)
    return tuple(build_row(StoredStep, row) for row in rows)


async def count_by_status(
    db: Db, tenant_id: ids.TenantId, workflow_id: ids.WorkflowId, since: datetime
) -> dict[str, int]:
    """Count a workflow's runs by their status."""
    rows = await db.fetch(_SQL["count_by_status"], tenant_id, workflow_id, since)
    return {row["status"]: row["runs"] for row in rows}


async def count_by_node(
    db: Db, tenant_id: ids.TenantId, workflow_id: ids.WorkflowId, since: datetime
) -> dict[str, dict[str, int]]:
    """Count how steps ended, by node and outcome."""
    counts: dict[str, dict[str, int]] = {}
    rows = await db.fetch(_SQL["count_by_node"], tenant_id, workflow_id, since)
    for row in rows:
        counts.setdefault(row["node"], {})[row["outcome"]] = row["steps"]
    return counts


async def prune_runs(db: Db, before: datetime) -> int:
    """Delete a step of runs that ended before then; return how many."""
    status = await db.execute(_SQL["prune_runs"], before, PRUNE_ROWS)
    return int(status.split()[-1])


def _to_json(rows: "Iterable[DataclassInstance]") -> str:
    return orjson.dumps(list(rows)).decode()
