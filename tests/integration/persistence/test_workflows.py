"""Workflows in the database: versions, admission of runs, progress, and cards."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from persistence import ids, workflow_runs, workflows
from persistence.database import Pool
from persistence.listener import Listener
from persistence.paging import Window
from persistence.tenants import create_tenant
from persistence.workflow_runs import (
    CardChange,
    Progress,
    RunFilter,
    RunOpening,
    RunUpdate,
    StepRow,
    keep_near_exceptions,
    open_run,
    record_progress,
)
from persistence.workflows import StoredWorkflow
from tests.support.waiting import time_limit

NOW = datetime(2026, 3, 21, 12, tzinfo=UTC)
EMPTY = '{"nodes": [], "connections": []}'


@pytest.fixture
async def tenant_id(pool: Pool) -> ids.TenantId:
    return (await create_tenant(pool, "shop")).id


async def add_workflow(
    pool: Pool, tenant_id: ids.TenantId, *, quota: int = 100
) -> ids.WorkflowId | None:
    """Store a workflow; None if there are too many."""
    workflow_id = ids.WorkflowId(uuid4())
    new = StoredWorkflow(workflow_id, "welcome", "", "DRAFT", 1, NOW, NOW, EMPTY)
    async with pool.acquire() as db, db.transaction():
        is_stored = await workflows.insert_workflow(db, tenant_id, new, None, quota)
    return workflow_id if is_stored else None


async def add_active(pool: Pool, tenant_id: ids.TenantId) -> ids.WorkflowId:
    """Store a workflow, and activate it."""
    workflow_id = await add_workflow(pool, tenant_id)
    assert workflow_id is not None
    assert await workflows.set_status(pool, tenant_id, workflow_id, "ACTIVE", 1)
    return workflow_id


def build_opening(
    tenant_id: ids.TenantId,
    workflow_id: ids.WorkflowId,
    *,
    max_running: int | None = None,
    quota: int = 1000,
) -> RunOpening:
    """Build the opening of a new run."""
    return RunOpening(
        run_id=ids.RunId(uuid4()),
        tenant_id=tenant_id,
        workflow_id=workflow_id,
        version=1,
        conversation_id=ids.ConversationId(uuid4()),
        customer_id=ids.CustomerId(uuid4()),
        trigger="receive_message",
        depth=0,
        started_at=NOW,
        max_running=max_running,
        tenant_quota=quota,
    )


def build_update(opening: RunOpening, status: str, reason: str = "") -> RunUpdate:
    """Build the progress of a run."""
    return RunUpdate(
        run_id=opening.run_id,
        tenant_id=opening.tenant_id,
        workflow_id=opening.workflow_id,
        version=opening.version,
        conversation_id=opening.conversation_id,
        customer_id=opening.customer_id,
        status=status,
        reason=reason,
        trigger=opening.trigger,
        depth=opening.depth,
        started_at=opening.started_at,
        finished_at=None if status == "running" else NOW,
        waiting_for="ask" if status == "running" else "",
    )


async def record(pool: Pool, progress: Progress) -> None:
    """Record progress in a transaction of its own."""
    async with pool.acquire() as db, db.transaction():
        await record_progress(db, progress)


# --- Versions ----------------------------------------------------------------------


async def test_who_saves_names_the_version_that_was_read(
    pool: Pool, tenant_id: ids.TenantId
) -> None:
    workflow_id = await add_workflow(pool, tenant_id)
    assert workflow_id is not None

    async def save(version: int) -> int | None:
        async with pool.acquire() as db, db.transaction():
            return await workflows.save_version(
                db, tenant_id, workflow_id, version, EMPTY, None
            )

    saved = await asyncio.gather(*(save(1) for _ in range(5)))
    assert sorted(saved, key=str) == [2, None, None, None, None]
    found = await workflows.fetch_workflow(pool, tenant_id, workflow_id)
    assert found is not None
    assert found.version == 2


async def test_what_was_checked_as_a_draft_is_not_saved_once_it_is_active(
    pool: Pool, tenant_id: ids.TenantId
) -> None:
    workflow_id = await add_active(pool, tenant_id)
    async with pool.acquire() as db, db.transaction():
        place = db, tenant_id, workflow_id, 1, EMPTY, None
        assert await workflows.save_version(*place, is_draft=True) is None
        assert await workflows.save_version(*place) == 2


async def test_a_runs_version_is_there_after_the_workflow_is_deleted(
    pool: Pool, tenant_id: ids.TenantId
) -> None:
    workflow_id = await add_active(pool, tenant_id)
    assert await workflows.delete_workflow(pool, tenant_id, workflow_id)
    assert await workflows.fetch_workflow(pool, tenant_id, workflow_id) is None
    assert await workflows.fetch_active(pool, [tenant_id]) == ()
    (row,) = await workflows.fetch_versions(pool, [(workflow_id, 1)])
    assert (row.workflow_id, row.version) == (workflow_id, 1)


async def test_another_tenant_finds_and_changes_nothing(
    pool: Pool, tenant_id: ids.TenantId
) -> None:
    workflow_id = await add_active(pool, tenant_id)
    other = (await create_tenant(pool, "other")).id
    assert await workflows.fetch_workflow(pool, other, workflow_id) is None
    assert not await workflows.set_status(pool, other, workflow_id, "PAUSED")
    assert not await workflows.delete_workflow(pool, other, workflow_id)
    assert await workflows.fetch_definition(pool, other, workflow_id, 1) is None
    assert await open_run(pool, build_opening(other, workflow_id)) is not None


async def test_a_tenant_may_have_so_many_workflows(
    pool: Pool, tenant_id: ids.TenantId
) -> None:
    made = await asyncio.gather(
        *(add_workflow(pool, tenant_id, quota=3) for _ in range(6))
    )
    assert len([one for one in made if one is not None]) == 3


async def test_shards_hear_of_every_change_of_what_is_active(
    pool: Pool, dsn: str, tenant_id: ids.TenantId
) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    listener = Listener(dsn)
    listener.on(workflows.WORKFLOWS_CHANNEL, heard.put_nowait)
    await listener.start()
    workflow_id = await add_active(pool, tenant_id)
    async with time_limit(lambda: heard):
        assert [await heard.get() for _ in range(2)] == [str(tenant_id)] * 2
        async with pool.acquire() as db, db.transaction():
            await workflows.save_version(db, tenant_id, workflow_id, 1, EMPTY, None)
        assert await heard.get() == str(tenant_id)
        await workflows.delete_workflow(pool, tenant_id, workflow_id)
        assert await heard.get() == str(tenant_id)
    await listener.stop()


# --- Admission ---------------------------------------------------------------------


async def test_limits_hold_however_many_open_at_once(
    pool: Pool, tenant_id: ids.TenantId
) -> None:
    workflow_id = await add_active(pool, tenant_id)
    openings = [build_opening(tenant_id, workflow_id, max_running=3) for _ in range(12)]
    refusals = await asyncio.gather(*(open_run(pool, one) for one in openings))
    assert refusals.count(None) == 3
    assert all("3 runs of the workflow" in one for one in refusals if one)


async def test_a_tenants_quota_holds_over_all_its_workflows(
    pool: Pool, tenant_id: ids.TenantId
) -> None:
    kinds = [await add_active(pool, tenant_id) for _ in range(3)]
    openings = [build_opening(tenant_id, kind, quota=4) for kind in kinds * 3]
    refusals = await asyncio.gather(*(open_run(pool, one) for one in openings))
    assert refusals.count(None) == 4
    other = (await create_tenant(pool, "other")).id
    theirs = build_opening(other, await add_active(pool, other), quota=4)
    assert await open_run(pool, theirs) is None


async def test_who_asks_again_after_a_crash_gets_the_same_answer(
    pool: Pool, tenant_id: ids.TenantId
) -> None:
    workflow_id = await add_active(pool, tenant_id)
    first = build_opening(tenant_id, workflow_id, max_running=1)
    second = build_opening(tenant_id, workflow_id, max_running=1)
    assert await open_run(pool, first) is None
    refusal = await open_run(pool, second)
    assert refusal is not None
    assert await open_run(pool, first) is None
    assert await open_run(pool, second) == refusal


async def test_a_run_that_ended_makes_room(pool: Pool, tenant_id: ids.TenantId) -> None:
    workflow_id = await add_active(pool, tenant_id)
    first = build_opening(tenant_id, workflow_id, max_running=1)
    assert await open_run(pool, first) is None
    update = build_update(first, "completed")
    await record(pool, Progress(runs={first.run_id: update}))
    second = build_opening(tenant_id, workflow_id, max_running=1)
    assert await open_run(pool, second) is None


# --- Progress ----------------------------------------------------------------------


async def test_progress_is_kept_and_a_step_ends_once(
    pool: Pool, tenant_id: ids.TenantId
) -> None:
    workflow_id = await add_active(pool, tenant_id)
    opening = build_opening(tenant_id, workflow_id)
    await open_run(pool, opening)
    step = StepRow(
        opening.run_id,
        tenant_id,
        opening.conversation_id,
        1,
        "ask",
        "done",
        "success",
        "",
        NOW,
    )
    running = build_update(opening, "running")
    await record(pool, Progress(runs={opening.run_id: running}, steps=[step]))
    await record(pool, Progress(steps=[replace(step, outcome="failed")]))
    found = await workflow_runs.fetch_one_run(pool, tenant_id, opening.run_id)
    assert found is not None
    assert (found.status, found.waiting_for) == ("running", "ask")
    steps = await workflow_runs.fetch_steps(pool, tenant_id, opening.run_id)
    assert [(one.node, one.outcome, one.edge) for one in steps] == [
        ("ask", "done", "success")
    ]
    counts = await workflow_runs.count_by_node(pool, tenant_id, workflow_id, NOW)
    assert counts == {"ask": {"done": 1}}


async def test_a_run_that_the_rules_refused_is_shown(
    pool: Pool, tenant_id: ids.TenantId
) -> None:
    workflow_id = await add_active(pool, tenant_id)
    opening = build_opening(tenant_id, workflow_id)
    update = build_update(opening, "refused", "a loop")
    await record(pool, Progress(runs={opening.run_id: update}))
    window = Window(10)
    wanted = RunFilter(workflow_id=workflow_id, status="refused")
    page = await workflow_runs.fetch_runs_page(pool, tenant_id, wanted, window)
    assert [(one.status, one.reason) for one in page.rows] == [("refused", "a loop")]


async def test_a_run_that_ended_before_it_was_opened_is_not_opened(
    pool: Pool, tenant_id: ids.TenantId
) -> None:
    """W1: a run would stay running for ever, and count against the limits."""
    workflow_id = await add_active(pool, tenant_id)
    opening = build_opening(tenant_id, workflow_id)
    ended = build_update(opening, "cancelled", "a person took over")
    await record(pool, Progress(runs={opening.run_id: ended}))
    assert await open_run(pool, opening) == "a person took over"
    late = build_update(opening, "running")
    await record(pool, Progress(runs={opening.run_id: late}))
    found = await workflow_runs.fetch_one_run(pool, tenant_id, opening.run_id)
    assert found is not None
    assert (found.status, found.reason) == ("cancelled", "a person took over")


async def test_old_runs_go_with_their_steps(
    pool: Pool, tenant_id: ids.TenantId
) -> None:
    workflow_id = await add_active(pool, tenant_id)
    opening = build_opening(tenant_id, workflow_id)
    await open_run(pool, opening)
    done = build_update(opening, "completed")
    await record(pool, Progress(runs={opening.run_id: done}))
    assert await workflow_runs.prune_runs(pool, NOW) == 0
    assert await workflow_runs.prune_runs(pool, NOW + timedelta(seconds=1)) == 1
    assert await workflow_runs.fetch_one_run(pool, tenant_id, opening.run_id) is None


# --- Cards -------------------------------------------------------------------------


async def add_customer(
    pool: Pool, tenant_id: ids.TenantId, tags: list[str], attributes: object
) -> ids.CustomerId:
    """Store a customer."""
    customer_id = ids.CustomerId(uuid4())
    await pool.execute(
        """INSERT INTO customers (id, tenant_id, channel_id, platform_id, tags,
        attributes, first_name, created_at) VALUES ($1, $2, $3, 'x', $4, $5, 'سارا',
        now())""",
        customer_id,
        tenant_id,
        uuid4(),
        tags,
        attributes,
    )
    return customer_id


async def test_cards_change_in_order_and_within_their_limits(
    pool: Pool, tenant_id: ids.TenantId
) -> None:
    full = {f"key{number}": number for number in range(50)}
    customer_id = await add_customer(pool, tenant_id, ["vip", "old"], full)

    async def change(
        add: tuple[str, ...] = (),
        remove: tuple[str, ...] = (),
        attributes: dict[str, str] | None = None,
    ) -> workflow_runs.FactsRow:
        card = CardChange(customer_id, tenant_id, add, remove, attributes or {})
        await record(pool, Progress(cards=[card]))
        facts = await workflow_runs.fetch_facts(pool, tenant_id, customer_id)
        assert facts is not None
        return facts

    changed = await change(("buyer", "vip"), ("old",), {"key1": "one"})
    assert changed.tags == ("vip", "buyer")
    assert changed.attributes == {**full, "key1": "one"}
    both = await change(attributes={"one_more": "x", "key2": "two"})
    assert both.attributes == {**changed.attributes, "key2": "two"}
    many = tuple(f"tag{number}" for number in range(60))
    assert len((await change(many)).tags) == 50
    assert (changed.first_name, changed.tenant_name) == ("سارا", "shop")


async def test_facts_of_another_tenants_customer_are_not_told(
    pool: Pool, tenant_id: ids.TenantId
) -> None:
    customer_id = await add_customer(pool, tenant_id, [], {})
    other = (await create_tenant(pool, "other")).id
    assert await workflow_runs.fetch_facts(pool, other, customer_id) is None


def test_of_the_exceptions_those_of_these_days_travel_along() -> None:
    days = [NOW.date() + timedelta(days=day) for day in range(-9, 10, 3)]
    hours = {"week": [], "exceptions": [{"day": str(day)} for day in days]}
    near = keep_near_exceptions(hours, NOW.date())
    assert near["exceptions"] == [{"day": str(NOW.date())}]


async def test_business_hours_are_replaced(pool: Pool, tenant_id: ids.TenantId) -> None:
    assert await workflows.fetch_hours(pool, tenant_id) is None
    for zone in ("Asia/Tehran", "Europe/Berlin"):
        await workflows.store_hours(pool, tenant_id, f'{{"time_zone": "{zone}"}}')
    stored = await workflows.fetch_hours(pool, tenant_id)
    assert stored == '{"time_zone": "Europe/Berlin"}'
