"""Executions over the API: begun, shown with their steps, cancelled, replayed."""

import httpx
import pytest
from fastapi import FastAPI

from actors.conversation.events import CustomerEdited
from persistence.channels import Channel
from persistence.database import Pool
from persistence.ids import ConversationId
from persistence.users import User
from tests.support.api import Api, add_channel, write_as_customer
from tests.support.waiting import wait_for_count

PATH = "/api/workflow/"
NAME = {
    "id": "ask",
    "type": "waiting",
    "prompt": "نام شما چیست؟",
    "attribute": "name",
}
FLOW = {
    "name": "نام",
    "nodes": [
        {"id": "start", "type": "when", "trigger": {"kind": "manual"}},
        NAME,
        {
            "id": "hook",
            "type": "action",
            "action": {"kind": "webhook", "url": "https://shop.example/hook"},
        },
    ],
    "connections": [
        {"source": "start", "target": "ask"},
        {"source": "ask", "target": "hook"},
    ],
}
SAID = "SELECT count(*) FROM messages WHERE type = 'AI'"


@pytest.fixture
async def channel(app: FastAPI, alice: User) -> Channel:
    """A website channel of Alice's."""
    return await add_channel(app, alice.tenant_id)


@pytest.fixture
async def conversation(api: Api, channel: Channel) -> ConversationId:
    """A customer's conversation."""
    return await write_as_customer(api, channel, "sara", "سلام")


async def begin(client: httpx.AsyncClient, conversation: ConversationId) -> str:
    """Begin a run of an active workflow; return its id."""
    made = (await client.post(f"{PATH}workflows/", json=FLOW)).json()
    own = f"{PATH}workflows/{made['id']}/"
    body = {"conversation_id": str(conversation)}
    early = await client.post(f"{own}run/", json=body)
    assert early.status_code == 422
    await client.post(f"{own}activate/")
    begun = await client.post(f"{own}run/", json=body)
    assert begun.status_code == 202, begun.text
    run_id: str = begun.json()["run_id"]
    return run_id


async def test_a_run_is_begun_shown_and_cancelled(
    client: httpx.AsyncClient,
    stranger: httpx.AsyncClient,
    pool: Pool,
    conversation: ConversationId,
) -> None:
    run_id = await begin(client, conversation)
    await wait_for_count(pool, SAID, 1)
    shown = (await client.get(f"{PATH}executions/{run_id}/")).json()
    assert (shown["status"], shown["waiting_for"]) == ("running", "ask")
    assert [step["node"] for step in shown["steps"]] == ["start"]
    talk = (await client.get(f"/api/conversations/{conversation}/")).json()
    assert talk["reply_right"]["holder"] == "workflow"
    assert talk["reply_right"]["run_id"] == run_id
    assert talk["reply_right"]["until"] is not None
    for method, path in (
        ("GET", f"{PATH}executions/{run_id}/"),
        ("POST", f"{PATH}executions/{run_id}/cancel/"),
        ("POST", f"{PATH}executions/{run_id}/replay/"),
    ):
        assert (await stranger.request(method, path)).status_code == 404
    assert (await stranger.get(f"{PATH}executions/")).json()["count"] == 0
    ended = await client.post(f"{PATH}executions/{run_id}/cancel/")
    assert (ended.json()["status"], ended.json()["reason"]) == (
        "cancelled",
        "an operator ended it",
    )
    again = await client.post(f"{PATH}executions/{run_id}/cancel/")
    assert again.json() == ended.json()
    talk = (await client.get(f"/api/conversations/{conversation}/")).json()
    assert talk["reply_right"]["holder"] == "ai"


async def test_a_run_is_replayed_from_the_node_that_failed(
    client: httpx.AsyncClient,
    api: Api,
    channel: Channel,
    pool: Pool,
    conversation: ConversationId,
) -> None:
    run_id = await begin(client, conversation)
    await wait_for_count(pool, SAID, 1)
    early = await client.post(f"{PATH}executions/{run_id}/replay/")
    assert early.status_code == 422
    await write_as_customer(api, channel, "sara", "سارا", "m2")
    failed = "SELECT count(*) FROM workflow_runs WHERE status = 'failed'"
    await wait_for_count(pool, failed, 1)
    shown = (await client.get(f"{PATH}executions/{run_id}/")).json()
    assert shown["steps"][-1]["node"] == "hook"
    assert shown["steps"][-1]["outcome"] == "failed"
    key = {"Idempotency-Key": "once"}
    path = f"{PATH}executions/{run_id}/replay/"
    first = await client.post(path, headers=key)
    assert first.status_code == 202
    assert (await client.post(path, headers=key)).json() == first.json()
    await wait_for_count(pool, failed, 2)
    replayed = (await client.get(f"{PATH}executions/{first.json()['run_id']}/")).json()
    assert [step["node"] for step in replayed["steps"]] == ["hook"]
    listed = (
        await client.get(f"{PATH}executions/", params={"status": "failed"})
    ).json()
    assert listed["count"] == 2
    workflow_id = shown["workflow_id"]
    figures = (await client.get(f"{PATH}workflows/{workflow_id}/statistics/")).json()
    assert figures["runs"] == {"failed": 2}
    assert figures["steps"]["hook"] == {"failed": 2}


async def test_a_tag_of_an_operator_begins_a_workflow(
    client: httpx.AsyncClient, api: Api, pool: Pool, conversation: ConversationId
) -> None:
    flow = {
        "name": "vip",
        "nodes": [
            {
                "id": "start",
                "type": "when",
                "trigger": {"kind": "add_tag", "tags": ["vip"]},
            },
            {
                "id": "hello",
                "type": "action",
                "action": {"kind": "send_message", "text": "به باشگاه خوش آمدید"},
            },
        ],
        "connections": [{"source": "start", "target": "hello"}],
    }
    made = (await client.post(f"{PATH}workflows/", json=flow)).json()
    await client.post(f"{PATH}workflows/{made['id']}/activate/")
    customer = (await client.get(f"/api/conversations/{conversation}/")).json()
    card = f"/api/customers/{customer['customer']['id']}/"
    # The notification of the activation comes a moment later than its answer.
    while not await pool.fetchval("SELECT count(*) FROM workflow_runs"):
        await client.patch(card, json={"tags": []})
        await client.patch(card, json={"tags": ["vip"]})
    await wait_for_count(pool, SAID, 1)
    edits = [one for one in api.shards.events if isinstance(one, CustomerEdited)]
    assert ("vip",) in {one.added_tags for one in edits}
