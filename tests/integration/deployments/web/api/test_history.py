"""A conversation's history over the API: what happened, in order, and no more."""

from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from actors.conversation.events import MessageUnsent
from actors.conversation.state import Source
from persistence.channels import Channel, ChannelKind
from persistence.database import Pool
from persistence.ids import ConversationId, EventId
from persistence.users import User
from tests.support.api import Api, add_channel, write_as_customer
from tests.support.waiting import wait_for_count


@pytest.fixture
async def channel(app: FastAPI, alice: User) -> Channel:
    return await add_channel(app, alice.tenant_id, ChannelKind.INSTAGRAM, "178")


@pytest.fixture
async def conversation_id(api: Api, channel: Channel) -> ConversationId:
    return await write_as_customer(api, channel, "ig-1", "سلام")


async def test_the_history_tells_what_happened_in_order(
    client: httpx.AsyncClient, conversation_id: ConversationId, alice: User
) -> None:
    path = f"/api/conversations/{conversation_id}/"
    await client.post(f"{path}redirect/", json={"destination": "sales"})
    await client.post(f"{path}status/", json={"status": "closed"})
    page = (await client.get(f"{path}events/")).json()
    assert page["count"] == 3
    first, second, third = page["results"]
    assert [row["version"] for row in page["results"]] == [1, 2, 3]
    assert first["kind"] == "CustomerWrote"
    assert first["payload"]["text"] == "سلام"
    assert second["kind"] == "ConversationRedirected"
    assert second["payload"]["destination"] == "sales"
    assert third["kind"] == "StatusSet"
    for done in (second, third):
        assert done["payload"]["user_id"] == str(alice.id)
    assert set(first) == {"id", "version", "kind", "at", "payload"}
    last = (await client.get(f"{path}events/?page=3&page_size=1")).json()
    assert last["results"] == [third]
    assert (await client.get(f"{path}events/?page=9")).json()["results"] == []


async def test_what_was_taken_back_is_not_in_the_history_either(
    client: httpx.AsyncClient,
    api: Api,
    channel: Channel,
    conversation_id: ConversationId,
) -> None:
    await write_as_customer(api, channel, "ig-1", "stays", "m2")
    await api.shards.submit(
        MessageUnsent(
            id=EventId(uuid4()),
            conversation_id=conversation_id,
            at=api.clock.now(),
            tenant_id=channel.tenant_id,
            channel_id=channel.id,
            source=Source.INSTAGRAM,
            customer="ig-1",
            mid="m1",
        )
    )
    path = f"/api/conversations/{conversation_id}/events/"
    first, second, unsent = (await client.get(path)).json()["results"]
    assert "text" not in first["payload"]
    assert "سلام" not in str(first)
    assert second["payload"]["text"] == "stays"
    assert unsent["kind"] == "MessageUnsent"


async def test_what_the_owner_took_back_is_not_shown_in_the_history(
    client: httpx.AsyncClient,
    api: Api,
    channel: Channel,
    conversation_id: ConversationId,
    pool: Pool,
) -> None:
    path = f"/api/conversations/{conversation_id}/"
    await client.post(f"{path}messages/", json={"content": "wrong price"})
    await client.post(f"{path}messages/", json={"content": "right price"})
    await wait_for_count(pool, "SELECT count(*) FROM outbox WHERE delivery = 'sent'", 2)
    mid = await pool.fetchval("SELECT platform_id FROM messages WHERE content ~ 'wron'")
    await api.shards.submit(
        MessageUnsent(
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
    )
    page = (await client.get(f"{path}events/")).json()["results"]
    assert "wrong price" not in str(page)
    assert "right price" in str(page)


async def test_x2_a_strangers_history_is_not_there(
    stranger: httpx.AsyncClient, conversation_id: ConversationId
) -> None:
    for unknown in (conversation_id, uuid4()):
        answer = await stranger.get(f"/api/conversations/{unknown}/events/")
        assert answer.status_code == 404
