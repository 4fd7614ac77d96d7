"""The outbox over the API: dead letters are seen, and sent again on a word."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from actors.conversation.state import Source
from config.settings import Settings
from deployments.integrations.sender import ChannelSender
from persistence.channels import Channel, ChannelKind
from persistence.database import Pool
from persistence.ids import ConversationId
from persistence.secrets import Cipher
from persistence.users import User
from tests.support.api import (
    SECRET,
    Api,
    LocalShards,
    add_channel,
    write_as_customer,
)
from tests.support.servers.graph_server import Fail, GraphServer
from tests.support.waiting import wait_for_count

COUNT = "SELECT count(*) FROM outbox WHERE delivery = $1"


@pytest.fixture
def graph() -> Iterator[GraphServer]:
    with GraphServer() as graph:
        yield graph


@pytest.fixture
async def api(pool: Pool, graph: GraphServer) -> AsyncIterator[Api]:
    sender = ChannelSender(
        pool, Cipher(SECRET), Settings(instagram_graph_url=graph.url)
    )
    shards = LocalShards(pool, sender=sender)
    await shards.shard.start()
    yield Api(pool, shards)
    await shards.shard.stop()
    await sender.stop()


@pytest.fixture
async def channel(app: FastAPI, alice: User) -> Channel:
    return await add_channel(app, alice.tenant_id, ChannelKind.INSTAGRAM, "178")


@pytest.fixture
async def conversation_id(api: Api, channel: Channel) -> ConversationId:
    return await write_as_customer(api, channel, "ig-1", "سلام")


async def answer(
    client: httpx.AsyncClient, conversation_id: ConversationId, text: str
) -> str:
    """Answer as an operator; return the message's id."""
    answer = await client.post(
        f"/api/conversations/{conversation_id}/messages/", json={"content": text}
    )
    message_id: str = answer.json()["id"]
    return message_id


@pytest.fixture
async def dead(
    client: httpx.AsyncClient,
    pool: Pool,
    graph: GraphServer,
    conversation_id: ConversationId,
) -> str:
    """The id of a message that Instagram refused for good."""
    graph.answer_next(Fail(400))
    message_id = await answer(client, conversation_id, "نرسید")
    await wait_for_count(pool, COUNT, 1, "failed")
    return message_id


async def test_a_dead_letter_is_listed_with_its_reason(
    client: httpx.AsyncClient,
    channel: Channel,
    conversation_id: ConversationId,
    dead: str,
) -> None:
    page = (await client.get("/api/outbox/")).json()
    assert page["count"] == 1
    (letter,) = page["results"]
    assert "HTTP 400: Told" in letter.pop("error")
    assert letter.pop("created_at") <= letter.pop("updated_at")
    assert letter == {
        "message_id": dead,
        "conversation_id": str(conversation_id),
        "channel_id": str(channel.id),
        "source": Source.INSTAGRAM,
        "type": "support",
        "content": "نرسید",
        "delivery": "failed",
        "parts": 1,
        "attempts": 1,
        "can_retry": True,
    }


async def test_the_list_is_filtered_by_delivery_and_channel(
    client: httpx.AsyncClient, channel: Channel, dead: str
) -> None:
    for query, found in (
        ("delivery=failed", [dead]),
        ("delivery=queued", []),
        (f"channel_id={channel.id}", [dead]),
        (f"channel_id={uuid4()}", []),
        ("page=2", []),
    ):
        page = (await client.get(f"/api/outbox/?{query}")).json()
        assert [row["message_id"] for row in page["results"]] == found, query
    for query in ("delivery=sent", "channel_id=x", "page=0"):
        wrong = await client.get(f"/api/outbox/?{query}")
        assert wrong.status_code == 422
        assert wrong.json()["detail"].startswith(query.partition("=")[0])


async def test_a_dead_letter_is_sent_again_and_arrives_once(
    client: httpx.AsyncClient,
    pool: Pool,
    graph: GraphServer,
    conversation_id: ConversationId,
    dead: str,
) -> None:
    headers = {"Idempotency-Key": "again"}
    for _ in range(2):
        retried = await client.post(f"/api/outbox/{dead}/retry/", headers=headers)
        assert retried.status_code == 200
        assert retried.json()["id"] == dead
    await wait_for_count(pool, COUNT, 1, "sent")
    assert [send.text for send in graph.accepted] == ["نرسید"]
    assert (await client.get("/api/outbox/")).json()["count"] == 0
    path = f"/api/conversations/{conversation_id}/messages/"
    shown = (await client.get(path)).json()["results"][-1]
    assert (shown["id"], shown["delivery"]) == (dead, "sent")


async def test_what_arrived_is_not_sent_again(
    client: httpx.AsyncClient,
    pool: Pool,
    graph: GraphServer,
    conversation_id: ConversationId,
) -> None:
    sent = await answer(client, conversation_id, "رسید")
    await wait_for_count(pool, COUNT, 1, "sent")
    refused = await client.post(f"/api/outbox/{sent}/retry/")
    assert refused.status_code == 400
    assert "sent again" in refused.json()["detail"]
    assert len(graph.sends) == 1


async def test_a_paused_channel_holds_its_own_messages_and_no_others(
    client: httpx.AsyncClient,
    api: Api,
    app: FastAPI,
    pool: Pool,
    graph: GraphServer,
    alice: User,
    channel: Channel,
    conversation_id: ConversationId,
) -> None:
    path = f"/api/channels/{channel.id}/"
    paused = await client.patch(path, json={"is_paused": True})
    assert paused.json()["is_paused"] is True
    other = await add_channel(app, alice.tenant_id, ChannelKind.INSTAGRAM, "179")
    elsewhere = await write_as_customer(api, other, "ig-2", "سلام")
    held = await answer(client, conversation_id, "می‌ماند")
    await answer(client, elsewhere, "می‌رود")
    await wait_for_count(pool, COUNT, 1, "sent")
    assert [send.text for send in graph.accepted] == ["می‌رود"]
    listed = {
        row["id"]: row["is_paused"]
        for row in (await client.get("/api/channels/")).json()["results"]
    }
    assert listed == {str(channel.id): True, str(other.id): False}
    # Waiting is no failure, so it is not among the dead letters.
    await wait_for_count(
        pool, f"{COUNT} AND error = 'the channel is paused'", 1, "queued"
    )
    assert (await client.get("/api/outbox/")).json()["count"] == 0
    waiting = (await client.get("/api/outbox/?delivery=queued")).json()["results"]
    assert [row["message_id"] for row in waiting] == [held]
    resumed = await client.patch(path, json={"is_paused": False})
    assert resumed.json()["is_paused"] is False
    # What waited goes now, not at the next look, which is a minute away.
    await wait_for_count(pool, COUNT, 2, "sent")
    assert [send.text for send in graph.accepted] == ["می‌رود", "می‌ماند"]


async def test_x2_a_strangers_letter_is_not_there(
    stranger: httpx.AsyncClient, client: httpx.AsyncClient, api: Api, dead: str
) -> None:
    seen = len(api.shards.events)
    for unknown in (dead, str(uuid4())):
        answer = await stranger.post(f"/api/outbox/{unknown}/retry/")
        assert answer.status_code == 404
    assert (await stranger.get("/api/outbox/")).json()["count"] == 0
    assert len(api.shards.events) == seen
    assert (await client.get("/api/outbox/")).json()["count"] == 1
