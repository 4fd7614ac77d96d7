"""A workflow is tried on past conversations over the API; nothing is changed."""

from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from actors.workflow import definition as d
from actors.workflow.documents import write_definition
from persistence.channels import ChannelKind
from persistence.database import Pool
from persistence.ids import TenantId, WorkflowId
from persistence.users import User
from persistence.workflows import StoredWorkflow, insert_workflow
from tests.support.api import Api, add_channel, write_as_customer
from tests.support.clock import NOON
from tests.support.workflow.run import action, define

TO_SALES = define(action("sales", d.RedirectConversation(d.RedirectTo.SALES)))


async def add_workflow(
    pool: Pool, tenant_id: TenantId, definition: d.Definition = TO_SALES
) -> str:
    """Store a draft; return the address of its dry run."""
    id_, text = WorkflowId(uuid4()), write_definition(definition)
    new = StoredWorkflow(id_, "welcome", "", "DRAFT", 1, NOON, NOON, text)
    async with pool.acquire() as db, db.transaction():
        assert await insert_workflow(db, tenant_id, new, None, 10)
    return f"/api/workflow/workflows/{id_}/dry-run/"


@pytest.fixture
async def conversation(api: Api, app: FastAPI, alice: User) -> str:
    channel = await add_channel(app, alice.tenant_id, ChannelKind.TELEGRAM, "178")
    return str(await write_as_customer(api, channel, "77", "سلام"))


async def test_a_draft_is_simulated_in_one_conversation_and_in_last_weeks(
    api: Api, client: httpx.AsyncClient, pool: Pool, alice: User, conversation: str
) -> None:
    path = await add_workflow(pool, alice.tenant_id)
    known, rows = (
        len(api.shards.events),
        await pool.fetch("SELECT * FROM conversations"),
    )
    bodies: list[dict[str, str] | None] = [{"conversation_id": conversation}, {}, None]
    answers = [await client.post(path, json=body) for body in bodies]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    first = answers[0].json()
    assert (first["version"], first["examined"], first["is_cut"]) == (1, 1, False)
    assert (first["triggered"], first["ended_otherwise"]) == (1, 1)
    (found,) = first["conversations"]
    assert found["conversation_id"] == conversation
    assert (found["status"], found["real_status"]) == ("support_active", "active")
    (run,) = found["paths"]
    assert (run["node"], run["trigger"]) == ("start", "receive_message")
    assert (run["status"], run["texts"]) == ("completed", [])
    shown = [(step["node"], step["outcome"], step["edge"]) for step in run["steps"]]
    assert shown == [("start", "done", "success"), ("sales", "done", None)]
    assert [answer.json()["conversations"] for answer in answers[1:]] == [[found]] * 2
    # Nothing was changed.
    assert len(api.shards.events) == known
    assert await pool.fetch("SELECT * FROM conversations") == rows
    assert await pool.fetchval("SELECT count(*) FROM workflow_runs") == 0


async def test_a_stranger_simulates_nothing_of_ours(
    client: httpx.AsyncClient,
    stranger: httpx.AsyncClient,
    pool: Pool,
    alice: User,
    bob: User,
    conversation: str,
) -> None:
    ours = await add_workflow(pool, alice.tenant_id)
    theirs = await add_workflow(pool, bob.tenant_id)
    named = {"conversation_id": conversation}
    assert (await stranger.post(ours, json={})).status_code == 404
    assert (await stranger.post(theirs, json=named)).status_code == 404
    found = await stranger.post(theirs, json={})
    assert (found.json()["examined"], found.json()["conversations"]) == (0, [])
    unknown = {"conversation_id": str(uuid4())}
    assert (await client.post(ours, json=unknown)).status_code == 404


async def test_a_draft_with_a_loose_end_is_named(
    client: httpx.AsyncClient, pool: Pool, alice: User, conversation: str
) -> None:
    loose = d.Definition(TO_SALES.nodes, (d.Connection("start", "nowhere"),))
    path = await add_workflow(pool, alice.tenant_id, loose)
    answer = await client.post(path, json={"conversation_id": conversation})
    assert answer.status_code == 422
    assert "nowhere" in answer.text


async def test_a_definition_of_a_newer_release_is_named(
    client: httpx.AsyncClient, pool: Pool, alice: User
) -> None:
    path = await add_workflow(pool, alice.tenant_id)
    await pool.execute(
        "UPDATE workflow_versions SET definition = $1",
        {"nodes": [{"id": "a", "type": "of tomorrow"}], "connections": []},
    )
    answer = await client.post(path, json={})
    assert answer.status_code == 422
    assert "definition" in answer.text
