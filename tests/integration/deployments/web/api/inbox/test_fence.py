"""Answers that carry what their operator has seen."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from actors.conversation.errors import NewerMessagesError
from actors.conversation.events import CustomerWrote, OperatorAnswered
from actors.conversation.shard.envelope import Receipt
from actors.conversation.state import Source
from persistence.channels import Channel
from persistence.ids import ConversationId, EventId, UserId, derive_event_id
from tests.support.api import Api, write_as_customer
from tests.support.conversation.stored_history import replay_stored


async def read(
    client: httpx.AsyncClient, conversation_id: ConversationId
) -> list[dict[str, Any]]:
    answer = await client.get(
        f"/api/conversations/{conversation_id}/messages/?page_size=200"
    )
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


async def answer(
    client: httpx.AsyncClient,
    conversation_id: ConversationId,
    seen: object,
    key: str = "",
) -> httpx.Response:
    return await client.post(
        f"/api/conversations/{conversation_id}/messages/",
        json={"content": "بله", "seen_position": seen},
        headers={"Idempotency-Key": key},
    )


async def test_an_answer_past_a_new_message_is_refused_and_shows_it(
    client: httpx.AsyncClient,
    api: Api,
    channel: Channel,
    conversation_id: ConversationId,
) -> None:
    (first,) = await read(client, conversation_id)
    await write_as_customer(api, channel, "visitor-7", "و چند روزه؟", "m2")
    refused = await answer(client, conversation_id, first["position"])
    assert refused.status_code == 409
    told = refused.json()
    assert told["detail"].startswith("The conversation has gone on.")
    assert told["code"] == "newer_messages"
    messages = await read(client, conversation_id)
    assert told["newer"] == messages[1:]
    assert [message["content"] for message in told["newer"]] == ["و چند روزه؟"]
    seen = told["newer"][-1]["position"]
    assert (await answer(client, conversation_id, seen)).status_code == 201
    assert await replay_stored(api.pool, conversation_id) == ()


async def test_a_colleague_who_was_faster_stops_the_answer(
    client: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    api: Api,
    conversation_id: ConversationId,
) -> None:
    (first,) = await read(client, conversation_id)
    seen = first["position"]
    assert (await answer(colleague, conversation_id, seen)).status_code == 201
    # Her own next answer is not in its own way.
    assert (await answer(colleague, conversation_id, seen)).status_code == 201
    assert (await answer(client, conversation_id, seen)).status_code == 409
    assert (await answer(client, conversation_id, None)).status_code == 201
    assert await replay_stored(api.pool, conversation_id) == ()


async def test_a_repetition_of_a_sent_answer_is_not_stopped_by_what_came_since(
    client: httpx.AsyncClient,
    api: Api,
    channel: Channel,
    conversation_id: ConversationId,
) -> None:
    (first,) = await read(client, conversation_id)
    sent = await answer(client, conversation_id, first["position"], "one")
    await write_as_customer(api, channel, "visitor-7", "مرسی", "m2")
    again = await answer(client, conversation_id, first["position"], "one")
    assert (again.status_code, again.json()["id"]) == (201, sent.json()["id"])
    # A refused one has left nothing behind: sent anyway, the key is as good as new.
    assert (
        await answer(client, conversation_id, first["position"], "two")
    ).status_code == 409
    assert (await answer(client, conversation_id, None, "two")).status_code == 201


@pytest.mark.parametrize("seen", [-1, 2**63, "5", 1.5, True])
async def test_what_is_no_position_is_refused(
    client: httpx.AsyncClient, conversation_id: ConversationId, seen: object
) -> None:
    refused = await answer(client, conversation_id, seen)
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith("seen_position: ")


async def test_a_message_of_the_same_batch_stops_the_answer_and_is_there_when_told(
    client: httpx.AsyncClient,
    api: Api,
    channel: Channel,
    conversation_id: ConversationId,
) -> None:
    (first,) = await read(client, conversation_id)
    position = first["position"]
    wrote = CustomerWrote(
        id=derive_event_id(conversation_id, "m2"),
        conversation_id=conversation_id,
        at=api.clock.now(),
        tenant_id=channel.tenant_id,
        channel_id=channel.id,
        source=Source.WEBSITE,
        customer="visitor-7",
        mid="m2",
        text="یک چیز دیگر",
    )
    answered = OperatorAnswered(
        id=EventId(uuid4()),
        conversation_id=conversation_id,
        at=api.clock.now(),
        user_id=UserId(uuid4()),
        text="بله",
        seen_position=position,
    )
    # Two callers, and one batch: both wait in the inbox before the shard reads it.
    stored, (refused,) = await asyncio.gather(
        api.shards.shard.submit([wrote]), api.shards.shard.submit([answered])
    )
    assert isinstance(stored[0], Receipt)
    assert isinstance(refused, NewerMessagesError)
    assert len(await read(client, conversation_id)) == 2


async def test_whichever_comes_first_nothing_is_sent_past_an_unseen_message(
    client: httpx.AsyncClient,
    api: Api,
    channel: Channel,
    conversation_id: ConversationId,
) -> None:
    for number in range(20):
        (*_, last) = await read(client, conversation_id)
        calls = [
            write_as_customer(api, channel, "visitor-7", f"{number}", f"r{number}"),
            answer(client, conversation_id, last["position"]),
        ]
        # The order of the calls alternates; who is first is the shard's to say.
        done = await asyncio.gather(*(calls if number % 2 else reversed(calls)))
        (sent,) = [end for end in done if isinstance(end, httpx.Response)]
        messages = await read(client, conversation_id)
        behind = [m for m in messages if m["position"] > last["position"]]
        if sent.status_code == 201:
            assert [m["type"] for m in behind] == ["support", "customer"]
        else:
            assert sent.status_code == 409
            assert [m["id"] for m in sent.json()["newer"]] == [behind[0]["id"]]
            assert [m["type"] for m in behind] == ["customer"]
    assert await replay_stored(api.pool, conversation_id) == ()


async def test_positions_of_another_business_are_not_asked(
    stranger: httpx.AsyncClient, conversation_id: ConversationId
) -> None:
    assert (await answer(stranger, conversation_id, 0)).status_code == 404
