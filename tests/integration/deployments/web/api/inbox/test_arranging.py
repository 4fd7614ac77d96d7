"""Assigning conversations, and putting them aside."""

from datetime import datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from persistence.channels import Channel
from persistence.ids import ConversationId
from persistence.users import User
from tests.support.api import Api, write_as_customer
from tests.support.conversation.stored_history import replay_stored
from tests.support.conversation.tables import count_rows
from tests.support.waiting import wait_for_count

INBOX = "/api/conversations/"
NEEDED = "SELECT count(*) FROM conversations WHERE needs_operator"


async def arrange(
    client: httpx.AsyncClient,
    conversation_id: ConversationId,
    act: str,
    body: dict[str, object],
) -> httpx.Response:
    return await client.post(f"{INBOX}{conversation_id}/{act}/", json=body)


async def list_ids(client: httpx.AsyncClient, query: str) -> list[str]:
    page = (await client.get(f"{INBOX}?{query}")).json()
    return [row["id"] for row in page["results"]]


async def test_a_conversation_is_claimed_handed_on_and_given_back(
    client: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    api: Api,
    alice: User,
    carol: User,
    channel: Channel,
    conversation_id: ConversationId,
) -> None:
    await write_as_customer(api, channel, "visitor-8", "سلام")
    mine, others = [str(conversation_id)], "mine=false"
    claimed = await arrange(client, conversation_id, "assign", {"user_id": "me"})
    assert claimed.json()["assignee"] == {"id": str(alice.id), "username": "alice"}
    for query in ("mine=true", "mine=true&waiting=true", "mine=true&snoozed=false"):
        assert await list_ids(client, query) == mine
        assert await list_ids(colleague, query) == []
    assert len(await list_ids(client, others)) == 1
    assert len(await list_ids(colleague, others)) == 2
    body: dict[str, object] = {"user_id": str(carol.id)}
    handed = await arrange(client, conversation_id, "assign", body)
    assert handed.json()["assignee"] == {"id": str(carol.id), "username": "carol"}
    assert await list_ids(colleague, "mine=true&order=waits_longest") == mine
    assert await list_ids(client, "mine=true") == []
    given = await arrange(colleague, conversation_id, "assign", {"user_id": None})
    assert given.json()["assignee"] is None
    events = (await client.get(f"{INBOX}{conversation_id}/events/")).json()
    payloads = [
        (event["payload"]["user_id"], event["payload"]["assignee_id"])
        for event in events["results"]
        if event["kind"] == "ConversationAssigned"
    ]
    assert payloads == [
        (str(alice.id), str(alice.id)),
        (str(alice.id), str(carol.id)),
        (str(carol.id), None),
    ]
    assert await replay_stored(api.pool, conversation_id) == ()


async def test_nobody_from_outside_and_nobody_who_left_is_given_a_conversation(
    client: httpx.AsyncClient,
    stranger: httpx.AsyncClient,
    bob: User,
    carol: User,
    conversation_id: ConversationId,
) -> None:
    await client.patch(f"/api/users/{carol.id}/", json={"is_active": False})
    for user_id in (bob.id, carol.id, uuid4(), "you", 7):
        body: dict[str, object] = {"user_id": user_id if user_id == 7 else str(user_id)}
        refused = await arrange(client, conversation_id, "assign", body)
        assert refused.status_code == 422
        assert refused.json()["detail"].startswith("user_id")
    assert (await arrange(client, conversation_id, "assign", {})).status_code == 422
    for act, key in (("assign", "user_id"), ("snooze", "until")):
        strange = await arrange(stranger, conversation_id, act, {key: None})
        assert strange.status_code == 404


async def test_an_assignee_who_is_gone_is_shown_as_nobody(
    client: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    api: Api,
    carol: User,
    conversation_id: ConversationId,
) -> None:
    await arrange(colleague, conversation_id, "assign", {"user_id": "me"})
    assert (await client.delete(f"/api/users/{carol.id}/")).status_code == 204
    shown = (await client.get(f"{INBOX}{conversation_id}/")).json()
    assert shown["assignee"] is None
    assert await list_ids(client, "") == [str(conversation_id)]
    claimed = await arrange(client, conversation_id, "assign", {"user_id": "me"})
    assert claimed.json()["assignee"]["username"] == "alice"
    assert await replay_stored(api.pool, conversation_id) == ()


async def test_what_is_put_aside_comes_back_at_its_time(
    client: httpx.AsyncClient, api: Api, conversation_id: ConversationId
) -> None:
    await client.post(f"{INBOX}{conversation_id}/messages/", json={"content": "فردا"})
    until = api.clock.now() + timedelta(seconds=0.6)
    snoozed = await arrange(
        client, conversation_id, "snooze", {"until": until.isoformat()}
    )
    assert snoozed.status_code == 200
    assert datetime.fromisoformat(snoozed.json()["snoozed_until"]) == until
    assert snoozed.json()["needs_operator"] is False
    assert await list_ids(client, "snoozed=true") == [str(conversation_id)]
    assert await list_ids(client, "snoozed=false") == []
    await wait_for_count(api.pool, NEEDED, 1)
    shown = (await client.get(f"{INBOX}{conversation_id}/")).json()
    assert (shown["snoozed_until"], shown["needs_operator"]) == (None, True)
    assert await list_ids(client, "needs_operator=true&snoozed=false") == [
        str(conversation_id)
    ]
    assert await count_rows(api.pool, "timers") == 0
    assert await replay_stored(api.pool, conversation_id) == ()


async def test_a_customer_who_writes_is_not_aside_any_more(
    client: httpx.AsyncClient,
    api: Api,
    channel: Channel,
    conversation_id: ConversationId,
) -> None:
    tomorrow = api.clock.now() + timedelta(days=1)
    body: dict[str, object] = {"until": tomorrow.isoformat()}
    await arrange(client, conversation_id, "snooze", body)
    await write_as_customer(api, channel, "visitor-7", "هستید؟", "m2")
    shown = (await client.get(f"{INBOX}{conversation_id}/")).json()
    assert shown["snoozed_until"] is None
    await arrange(client, conversation_id, "snooze", body)
    woken = await arrange(client, conversation_id, "snooze", {"until": None})
    assert woken.json()["snoozed_until"] is None
    assert await replay_stored(api.pool, conversation_id) == ()


@pytest.mark.parametrize("days", [-1, 0, 367])
async def test_a_time_that_is_over_or_far_away_is_refused(
    client: httpx.AsyncClient, api: Api, conversation_id: ConversationId, days: int
) -> None:
    until = api.clock.now() + timedelta(days=days)
    body: dict[str, object] = {"until": until.isoformat()}
    refused = await arrange(client, conversation_id, "snooze", body)
    assert refused.status_code == 422
    assert refused.json()["fields"].keys() == {"until"}


@pytest.mark.parametrize("until", ["2027-01-01T00:00:00", "soon", True])
async def test_what_is_no_time_with_a_zone_is_refused(
    client: httpx.AsyncClient, conversation_id: ConversationId, until: object
) -> None:
    refused = await arrange(client, conversation_id, "snooze", {"until": until})
    assert refused.status_code == 422


async def test_a_closed_conversation_is_not_put_aside(
    client: httpx.AsyncClient, api: Api, conversation_id: ConversationId
) -> None:
    await arrange(client, conversation_id, "status", {"status": "closed"})
    until = api.clock.now() + timedelta(days=1)
    body: dict[str, object] = {"until": until.isoformat()}
    refused = await arrange(client, conversation_id, "snooze", body)
    assert refused.status_code == 400
    assert "closed" in refused.json()["detail"]
