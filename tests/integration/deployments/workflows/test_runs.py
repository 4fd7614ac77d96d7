"""Runs are admitted once, within limits, with facts of their customer."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from actors.workflow.definition import (
    BusinessHours,
    ExceptionDay,
    OpenHours,
    TriggerKind,
)
from actors.workflow.documents import write_hours
from actors.workflow.run import Facts, OpenRun, ReadFacts, Refused, StepDone, StepFailed
from deployments.workflows.runs import NO_CUSTOMER, NOT_TAGGED
from deployments.workflows.worker import DATABASE_FAULT, WorkflowWorker
from persistence.channels import ChannelKind
from persistence.database import Pool
from persistence.ids import CustomerId, RunId, TenantId, WorkflowId
from persistence.workflows import StoredWorkflow, insert_workflow, store_hours
from tests.integration.deployments.workflows.work import (
    RUNS_AT_ONCE,
    build_task,
    build_worker,
)
from tests.support.clock import NOON
from tests.support.website import add_shop

ATTRIBUTES = {"email": "sara@example.com", "age": 30, "vip": True, "size": None}
SARA = Facts(
    first_name="سارا",
    username="sara",
    platform_id="77",
    tags=("vip",),
    attributes={"email": "sara@example.com", "age": "30", "vip": "true", "size": ""},
    tenant_name="tenant of 123",
)
OPEN = (OpenHours("09:00", "18:00"),)


@pytest.fixture
async def tenant_id(pool: Pool) -> TenantId:
    return (await add_shop(pool, ChannelKind.TELEGRAM, "123")).tenant_id


@pytest.fixture
async def customer_id(pool: Pool, tenant_id: TenantId) -> CustomerId:
    id_ = CustomerId(uuid4())
    await pool.execute(
        "INSERT INTO customers (id, tenant_id, channel_id, platform_id,"
        " first_name, username, tags, attributes, created_at)"
        " SELECT $1, tenant_id, id, '77', 'سارا', 'sara', '{vip}', $3, now()"
        " FROM channels WHERE tenant_id = $2",
        id_,
        tenant_id,
        ATTRIBUTES,
    )
    return id_


@pytest.fixture
async def workflow_id(pool: Pool, tenant_id: TenantId) -> WorkflowId:
    id_ = WorkflowId(uuid4())
    text = '{"nodes": [], "connections": []}'
    new = StoredWorkflow(id_, "welcome", "", "DRAFT", 1, NOON, NOON, text)
    async with pool.acquire() as db, db.transaction():
        assert await insert_workflow(db, tenant_id, new, None, 10)
    return id_


@pytest.fixture
def worker(pool: Pool) -> WorkflowWorker:
    return build_worker(pool)


async def test_a_run_is_admitted_once_with_the_facts_of_its_customer(
    pool: Pool,
    worker: WorkflowWorker,
    tenant_id: TenantId,
    customer_id: CustomerId,
    workflow_id: WorkflowId,
) -> None:
    task = build_task(
        OpenRun(), tenant_id, workflow_id=workflow_id, customer_id=customer_id
    )
    for _ in range(2):
        assert await worker.perform(task) == StepDone(3, facts=SARA)
    (row,) = await pool.fetch("SELECT * FROM workflow_runs")
    assert (row["id"], row["status"], row["version"]) == (task.run_id, "running", 1)
    assert (row["trigger"], row["depth"]) == (TriggerKind.RECEIVE_MESSAGE, 0)
    assert row["conversation_id"] == task.conversation_id
    assert (row["customer_id"], row["started_at"]) == (customer_id, NOON)


async def test_a_limit_refuses_a_run_and_says_which(
    worker: WorkflowWorker,
    tenant_id: TenantId,
    customer_id: CustomerId,
    workflow_id: WorkflowId,
) -> None:
    async def open_another(max_running: int | None) -> object:
        return await worker.perform(
            build_task(
                OpenRun(max_running=max_running),
                tenant_id,
                run_id=RunId(uuid4()),
                workflow_id=workflow_id,
                customer_id=customer_id,
            )
        )

    assert isinstance(await open_another(1), StepDone)
    refused = await open_another(1)
    assert isinstance(refused, Refused)
    assert "as many as it may have" in refused.reason
    for _ in range(RUNS_AT_ONCE - 1):
        assert isinstance(await open_another(None), StepDone)
    refused = await open_another(None)
    assert isinstance(refused, Refused)
    assert "as many as a business may have" in refused.reason


async def test_a_customer_without_the_triggers_tags_begins_no_run(
    pool: Pool,
    worker: WorkflowWorker,
    tenant_id: TenantId,
    customer_id: CustomerId,
    workflow_id: WorkflowId,
) -> None:
    task = build_task(
        OpenRun(tags=("new", "lost")),
        tenant_id,
        workflow_id=workflow_id,
        customer_id=customer_id,
    )
    refused = await worker.perform(task)
    assert isinstance(refused, Refused)
    assert refused.reason == NOT_TAGGED
    assert await pool.fetchval("SELECT count(*) FROM workflow_runs") == 0
    tagged = replace(task, work=OpenRun(tags=("new", "vip")))
    assert isinstance(await worker.perform(tagged), StepDone)


async def test_facts_carry_the_hours_of_these_days(
    pool: Pool, worker: WorkflowWorker, tenant_id: TenantId, customer_id: CustomerId
) -> None:
    today = datetime(2026, 3, 1, tzinfo=UTC).date()
    far = ExceptionDay(today.replace(month=9), OPEN)
    hours = BusinessHours(
        time_zone="Asia/Tehran", week=(OPEN,) * 7, exceptions=(ExceptionDay(today), far)
    )
    await store_hours(pool, tenant_id, write_hours(hours))
    done = await worker.perform(
        build_task(ReadFacts(), tenant_id, customer_id=customer_id)
    )
    near = replace(hours, exceptions=(ExceptionDay(today),))
    assert done == StepDone(3, facts=replace(SARA, hours=near))


async def test_another_tenants_customer_is_not_there(
    pool: Pool, worker: WorkflowWorker, customer_id: CustomerId
) -> None:
    other = (await add_shop(pool, ChannelKind.TELEGRAM, "456")).tenant_id
    failed = await worker.perform(
        build_task(ReadFacts(), other, customer_id=customer_id)
    )
    assert failed == StepFailed(3, NO_CUSTOMER, is_permanent=True)


async def test_facts_are_read_again_when_the_database_is_back(
    pool: Pool, worker: WorkflowWorker, tenant_id: TenantId
) -> None:
    await pool.close()
    for work in (OpenRun(), ReadFacts()):
        failed = await worker.perform(build_task(work, tenant_id))
        assert failed == StepFailed(3, DATABASE_FAULT)
