"""What an event changed: the states around it, rebuilt, and no words in them."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from actors.conversation.codec import encode_event, kind_of
from actors.conversation.events import CustomerEdited, MessageUnsent
from actors.conversation.state import Source
from deployments.web.api.inbox.states import MAX_EVENTS
from persistence.channels import Channel, ChannelKind
from persistence.database import Pool
from persistence.ids import ConversationId, EventId
from persistence.queries import load_queries
from persistence.users import User
from tests.support.api import Api, add_channel, write_as_customer
from tests.support.waiting import wait_for_count

FILL = """
INSERT INTO conversation_events (id, tenant_id, conversation_id, version, shard, seq,
    at, kind, payload)
SELECT gen_random_uuid(), e.tenant_id, e.conversation_id, n, 0, 1000000 + n,
    e.at, $2, $3::text::jsonb
FROM conversation_events e, generate_series(2, $4) AS n
WHERE e.conversation_id = $1 AND e.version = 1
"""


@pytest.fixture
async def channel(app: FastAPI, alice: User) -> Channel:
    return await add_channel(app, alice.tenant_id, ChannelKind.INSTAGRAM, "178")


@pytest.fixture
async def conversation_id(api: Api, channel: Channel) -> ConversationId:
    return await write_as_customer(api, channel, "ig-1", "words of Sara")


def address(conversation_id: object, version: object) -> str:
    return f"/api/conversations/{conversation_id}/events/{version}/state/"


async def test_the_states_around_an_event_and_what_differs(
    client: httpx.AsyncClient, conversation_id: ConversationId
) -> None:
    path = f"/api/conversations/{conversation_id}/"
    await client.post(f"{path}redirect/", json={"destination": "sales"})
    first = (await client.get(address(conversation_id, 1))).json()
    assert first["before"] is None
    assert first["event"]["payload"]["text"] == "words of Sara"
    assert first["after"]["status"] == "active"
    second = (await client.get(address(conversation_id, 2))).json()
    assert second["event"]["kind"] == "ConversationRedirected"
    assert second["before"] == first["after"]
    assert second["after"]["department"] == "sales"
    assert {"version", "status", "department"} <= set(second["changed"])
    assert "source" not in second["changed"]
    events = (await client.get(f"{path}events/")).json()["results"]
    assert [first["event"], second["event"]] == events


async def test_no_words_are_in_a_state_and_none_that_were_unsent_in_the_event(
    client: httpx.AsyncClient,
    api: Api,
    channel: Channel,
    conversation_id: ConversationId,
    pool: Pool,
) -> None:
    path = f"/api/conversations/{conversation_id}/messages/"
    await client.post(path, json={"content": "a wrong price"})
    await wait_for_count(pool, "SELECT count(*) FROM outbox WHERE delivery = 'sent'", 1)
    shown = (await client.get(address(conversation_id, 2))).json()
    assert shown["event"]["payload"]["text"] == "a wrong price"
    assert len(shown["after"]["sends"]) == 1
    assert "price" not in str(shown["after"])
    mid = await pool.fetchval("SELECT platform_id FROM messages WHERE content ~ 'pric'")
    unsent = MessageUnsent(
        id=EventId(uuid4()),
        conversation_id=conversation_id,
        at=api.clock.now(),
        tenant_id=channel.tenant_id,
        channel_id=channel.id,
        source=Source.INSTAGRAM,
        customer="ig-1",
        mid=mid,
        is_ours=True,
    )
    await api.shards.submit(unsent)
    last = await pool.fetchval("SELECT max(version) FROM conversation_events")
    for version in range(1, last + 1):
        answer = await client.get(address(conversation_id, version))
        assert answer.status_code == 200, answer.text
        assert "price" not in answer.text


async def test_what_never_happened_is_404(
    client: httpx.AsyncClient,
    stranger: httpx.AsyncClient,
    conversation_id: ConversationId,
) -> None:
    assert (await client.get(address(conversation_id, 2))).status_code == 404
    assert (await client.get(address(conversation_id, 2**63 - 1))).status_code == 404
    assert (await client.get(address(uuid4(), 1))).status_code == 404
    assert (await stranger.get(address(conversation_id, 1))).status_code == 404
    for version in (0, -1, 2**63, "x"):
        assert (await client.get(address(conversation_id, version))).status_code == 422


async def test_where_the_retention_removed_the_beginning_it_says_so(
    client: httpx.AsyncClient, conversation_id: ConversationId, pool: Pool
) -> None:
    path = f"/api/conversations/{conversation_id}/"
    await client.post(f"{path}redirect/", json={"destination": "sales"})
    await pool.execute("UPDATE conversations SET pruned_version = 1")
    await pool.execute("DELETE FROM conversation_events WHERE version = 1")
    for version in (1, 2):
        answer = await client.get(address(conversation_id, version))
        assert answer.status_code == 409
        assert answer.json()["detail"].startswith("Events 1 to 1 of this conversation")
    assert (await client.get(address(conversation_id, 3))).status_code == 404


async def test_what_todays_rules_refuse_is_409_and_quotes_nothing(
    client: httpx.AsyncClient, conversation_id: ConversationId, pool: Pool
) -> None:
    change = "UPDATE conversation_events SET kind = $1, payload = $2::text::jsonb"
    for kind, payload in (
        ("Unheard", "{}"),
        ("StatusSet", '{"status": "words"}'),
        ("WorkflowTriggered", '{"workflow": "words"}'),
    ):
        await pool.execute(change, kind, payload)
        answer = await client.get(address(conversation_id, 1))
        assert answer.status_code == 409, answer.text
        assert answer.json()["detail"].startswith("Today's rules don't follow")
        assert "words" not in answer.text


async def test_a_long_history_holds_nobody_up_and_a_longer_one_is_refused(
    client: httpx.AsyncClient,
    api: Api,
    conversation_id: ConversationId,
    alice: User,
    pool: Pool,
) -> None:
    edited = CustomerEdited(
        id=EventId(uuid4()),
        conversation_id=conversation_id,
        at=api.clock.now() + timedelta(seconds=1),
        user_id=alice.id,
        fields=("notes",),
    )
    payload = encode_event(edited)
    await pool.execute(FILL, conversation_id, kind_of(edited), payload, MAX_EVENTS + 1)
    asked = asyncio.create_task(client.get(address(conversation_id, MAX_EVENTS)))
    others = 0
    while not asked.done():
        assert (await client.get("/api/me/")).status_code == 200
        others += 1
    shown = await asked
    assert shown.status_code == 200
    assert shown.json()["after"]["version"] == MAX_EVENTS
    assert shown.json()["changed"] == ["version"]
    assert others >= 2
    refused = await client.get(address(conversation_id, MAX_EVENTS + 1))
    assert refused.status_code == 409
    assert str(MAX_EVENTS) in refused.json()["detail"]


async def test_a_tenant_replays_one_history_at_once(
    app: FastAPI,
    client: httpx.AsyncClient,
    conversation_id: ConversationId,
    alice: User,
) -> None:
    replays = app.state.context.replays
    async with replays.place(alice.tenant_id):
        asked = [
            asyncio.create_task(client.get(address(conversation_id, 1)))
            for _ in range(5)
        ]
        done, waiting = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result().status_code for task in done] == [429]
        assert len(waiting) == 4
    statuses = [task.result().status_code for task in (await asyncio.wait(waiting))[0]]
    assert statuses == [200] * 4


async def test_the_first_events_are_read_by_index(pool: Pool) -> None:
    statement = load_queries("history")["fetch_first_events"]
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")
        plan = await connection.fetch(
            f"EXPLAIN {statement}", uuid4(), uuid4(), 5, MAX_EVENTS
        )
    text = "\n".join(row[0] for row in plan)
    assert "conversation_events_conversation_id_version_key" in text, text
