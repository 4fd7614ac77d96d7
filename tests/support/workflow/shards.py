"""A real shard whose tenant has workflows, on a real database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

from actors.clock import SystemClock
from actors.conversation.ports import Responder, Sender
from actors.conversation.rules.policy import Policy
from actors.conversation.shard.workflow_catalog import WorkflowCatalog
from actors.conversation.shard.workflow_source import StoredWorkflows
from actors.workflow.definition import Definition
from actors.workflow.documents import write_definition
from actors.workflow.ports import NO_WORKER, WorkTask
from actors.workflow.run import OpenRun, ReadFacts, Refused, StepDone, StepFailed
from deployments.workflows.runs import StoredRuns
from persistence import workflows
from persistence.database import Pool
from persistence.ids import TenantId, WorkflowId
from persistence.listener import Listener
from persistence.workflows import WORKFLOWS_CHANNEL, StoredWorkflow
from tests.support.api import LocalShards


@dataclass(slots=True)
class DatabaseWorker:
    """Admits runs and reads facts; nothing is done outside."""

    runs: StoredRuns

    async def perform(self, task: WorkTask) -> StepDone | StepFailed | Refused:
        """Do the work, if the database can."""
        match task.work:
            case OpenRun() as work:
                return await self.runs.open_run(task, work)
            case ReadFacts():
                return await self.runs.read_facts(task)
            case _:
                return await NO_WORKER.perform(task)


@asynccontextmanager
async def workflow_shards(
    pool: Pool,
    dsn: str,
    *,
    responder: Responder | None = None,
    sender: Sender | None = None,
    policy: Policy | None = None,
) -> AsyncIterator[LocalShards]:
    """Run a shard that reads workflows from the database."""
    catalog = WorkflowCatalog(StoredWorkflows(pool))
    listener = Listener(dsn)
    listener.on(WORKFLOWS_CHANNEL, catalog.forget)
    await listener.start()
    shards = LocalShards(
        pool,
        responder,
        sender,
        policy,
        worker=DatabaseWorker(StoredRuns(pool, SystemClock(), 1000)),
        workflows=catalog,
    )
    await shards.shard.start()
    try:
        yield shards
    finally:
        await shards.shard.stop()
        await listener.stop()


async def add_workflow(
    pool: Pool, tenant_id: TenantId, definition: Definition, name: str = "welcome"
) -> WorkflowId:
    """Store a workflow, and activate it."""
    workflow_id = WorkflowId(uuid4())
    now = SystemClock().now()
    new = StoredWorkflow(
        workflow_id, name, "", "DRAFT", 1, now, now, write_definition(definition)
    )
    async with pool.acquire() as db, db.transaction():
        await workflows.insert_workflow(db, tenant_id, new, None, 100)
    await workflows.set_status(pool, tenant_id, workflow_id, "ACTIVE", 1)
    return workflow_id
