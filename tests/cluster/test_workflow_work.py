"""A workflow reaches out from a real runtime: a webhook, and the Responder."""

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import orjson
import pytest

from actors.workflow import definition as d
from actors.workflow.documents import write_definition
from deployments.answers.judging import NO_MODEL
from deployments.http.signing import sign
from persistence.database import Pool
from persistence.ids import TenantId, WorkflowId
from persistence.workflows import StoredWorkflow, insert_workflow, set_status
from tests.cluster.conftest import Shop
from tests.support.clock import NOON
from tests.support.servers.http_server import ANSWER_S
from tests.support.servers.misbehaving_server import (
    MisbehavingServer,
    answer,
    misbehaving_server,
)
from tests.support.waiting import wait_for_count
from tests.support.workflow.run import action, define

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

WORDS = "پیگیری سفارش"
STEPS = """SELECT count(*) FROM workflow_steps WHERE node = 'sales'"""


@pytest.fixture
async def http() -> AsyncIterator[MisbehavingServer]:
    async with misbehaving_server() as server:
        yield server


def build_definition(url: str) -> d.Definition:
    """Build a workflow that asks a webhook, then the model, which there is none."""
    made = define(
        action(
            "hook", d.Webhook(url, body='{"name": "x"}', save={"state": "order.state"})
        ),
        d.Condition("judged", (d.AiClause("Is it a complaint?"),)),
        action("tell", d.SendMessage("وضعیت: {{values.state}}")),
        action("sales", d.RedirectConversation(d.RedirectTo.SALES)),
        edges="start>hook hook>judged judged!failure>tell tell>sales",
    )
    begin = d.When("start", d.ReceiveMessage(keywords=(WORDS,)))
    return d.Definition((begin, *made.nodes[1:]), made.connections)


def write(shop: Shop) -> None:
    """Let a visitor of the website write."""
    key, visitor = shop.website["channel_key"], shop.make_visitor()
    httpx.post(
        f"{shop.runtime.url}/webhooks/website/{key}/messages/",
        json={**visitor, "content": WORDS},
        timeout=ANSWER_S,
    ).raise_for_status()


async def test_a_run_reaches_out_and_goes_on_with_what_came_back(
    shop: Shop, rows: Pool, http: MisbehavingServer
) -> None:
    url = http.on("/hook", answer(200, orjson.dumps({"order": {"state": "در راه"}})))
    tenant_id = TenantId(await rows.fetchval("SELECT tenant_id FROM channels LIMIT 1"))
    id_, text = WorkflowId(uuid4()), write_definition(build_definition(url))
    new = StoredWorkflow(id_, "where is it", "", "DRAFT", 1, NOON, NOON, text)
    async with rows.acquire() as db, db.transaction():
        assert await insert_workflow(db, tenant_id, new, None, 10)
    assert await set_status(rows, tenant_id, id_, "ACTIVE", 1)
    try:
        write(shop)
        await wait_for_count(rows, STEPS, 1, timeout_s=ANSWER_S)
    finally:
        await set_status(rows, tenant_id, id_, "PAUSED")
    (request,) = http.requests
    secret = shop.api.get("/api/workflow/signing-secret/").json()["secret"]
    wanted = sign(secret, request.headers["x-pilito-timestamp"], request.body)
    assert request.headers["x-pilito-signature"] == wanted
    run_id = await rows.fetchval(
        "SELECT id FROM workflow_runs WHERE workflow_id = $1", id_
    )
    assert request.headers["idempotency-key"].startswith(f"{run_id}:")
    judged = await rows.fetchrow(
        "SELECT outcome, edge, detail FROM workflow_steps"
        " WHERE node = 'judged' AND run_id = $1",
        run_id,
    )
    assert judged is not None
    assert tuple(judged) == ("failed", "failure", NO_MODEL)
    said = await rows.fetchval(
        "SELECT content FROM messages WHERE content LIKE 'وضعیت:%'"
    )
    assert said == "وضعیت: در راه"
    status = await rows.fetchval(
        "SELECT c.status FROM conversations c JOIN workflow_runs r"
        " ON r.conversation_id = c.id WHERE r.id = $1",
        run_id,
    )
    assert status == "support_active"
