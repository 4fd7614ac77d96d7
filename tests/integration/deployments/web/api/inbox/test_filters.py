"""The inbox's filters, and its order by waiting."""

from datetime import datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI

from persistence.channels import Channel, ChannelKind
from persistence.ids import ConversationId
from persistence.users import User
from tests.support.api import Api, add_channel, write_as_customer
from tests.support.conversation.stored_history import replay_stored

INBOX = "/api/conversations/"


@pytest.fixture
async def inbox(
    client: httpx.AsyncClient, api: Api, app: FastAPI, alice: User, channel: Channel
) -> dict[str, ConversationId]:
    """Five customers: who was handed over, answered, closed, asks, asks elsewhere."""
    instagram = await add_channel(app, alice.tenant_id, ChannelKind.INSTAGRAM, "178")
    names = ("moved", "answered", "closed", "asks")
    written = {
        name: await write_as_customer(api, channel, name, f"من {name}")
        for name in names
    }
    written["elsewhere"] = await write_as_customer(api, instagram, "ig-1", "سلام")
    for name, act, body in (
        ("moved", "redirect", {"destination": "sales"}),
        ("answered", "messages", {"content": "بله"}),
        ("closed", "status", {"status": "closed"}),
    ):
        done = await client.post(f"{INBOX}{written[name]}/{act}/", json=body)
        assert done.is_success
    return written


async def find(
    client: httpx.AsyncClient, inbox: dict[str, ConversationId], query: str
) -> list[str]:
    answer = await client.get(f"{INBOX}?{query}")
    assert answer.status_code == 200, answer.text
    names = {str(key): name for name, key in inbox.items()}
    return [names[row["id"]] for row in answer.json()["results"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("needs_operator=true", ["moved"]),
        ("needs_operator=false", ["closed", "answered", "elsewhere", "asks"]),
        ("waiting=true", ["moved", "elsewhere", "asks"]),
        ("waiting=false", ["closed", "answered"]),
        ("waiting=false&needs_operator=true", []),
        ("department=sales", ["moved"]),
        ("department=billing", []),
        ("department=sales&waiting=true&status=support_active", ["moved"]),
        ("waiting=true&source=instagram", ["elsewhere"]),
        ("order=waits_longest", ["moved", "asks", "elsewhere"]),
        ("order=waits_longest&needs_operator=false", ["asks", "elsewhere"]),
        ("order=last_changed&q=answered", ["answered"]),
        ("q=سلام&waiting=true", ["elsewhere"]),
        ("needs_operator=&waiting=&department=&channel=&order=&q=moved", ["moved"]),
    ],
)
async def test_each_filter_leaves_what_it_says(
    client: httpx.AsyncClient,
    inbox: dict[str, ConversationId],
    query: str,
    found: list[str],
) -> None:
    assert await find(client, inbox, query) == found


async def test_a_channel_is_a_filter(
    client: httpx.AsyncClient, inbox: dict[str, ConversationId], channel: Channel
) -> None:
    on_site = await find(client, inbox, f"channel={channel.id}")
    assert set(on_site) == set(inbox) - {"elsewhere"}
    asking = await find(client, inbox, f"channel={channel.id}&order=waits_longest")
    assert asking == ["moved", "asks"]


@pytest.mark.parametrize(
    "query",
    [
        "needs_operator=maybe",
        "waiting=2",
        "department=moon",
        "channel=7",
        "order=luck",
        "order=waits_longest&q=x",
        "order=waits_longest&waiting=false",
    ],
)
async def test_a_wrong_filter_is_named(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"{INBOX}?{query}")
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(query.partition("=")[0])


async def test_pages_by_waiting_go_on_where_they_ended(
    client: httpx.AsyncClient, inbox: dict[str, ConversationId]
) -> None:
    url: str | None = f"{INBOX}?order=waits_longest&page_size=1"
    seen = []
    while url is not None:
        page = (await client.get(url)).json()
        assert (page["count"], page["is_count_exact"]) == (3, True)
        seen += [row["id"] for row in page["results"]]
        url = page["next"]
    assert seen == [str(inbox[name]) for name in ("moved", "asks", "elsewhere")]


async def test_the_wait_counts_from_the_first_message_and_ends_with_an_answer(
    client: httpx.AsyncClient, api: Api, channel: Channel
) -> None:
    first = await write_as_customer(api, channel, "v", "سلام")
    path = f"{INBOX}{first}/"
    begun = (await client.get(path)).json()
    await write_as_customer(api, channel, "v", "هستید؟", "m2")
    waiting = (await client.get(path)).json()
    assert waiting["waiting_since"] == begun["last_message"]["created_at"]
    assert waiting["newest_position"] > begun["newest_position"]
    await client.post(f"{path}messages/", json={"content": "بله"})
    assert (await client.get(path)).json()["waiting_since"] is None
    await client.post(f"{path}redirect/", json={"destination": "billing"})
    moved = (await client.get(path)).json()
    since = datetime.fromisoformat(moved["waiting_since"])
    assert api.clock.now() - since < timedelta(minutes=1)
    assert moved["department"] == "billing"
    assert await replay_stored(api.pool, first) == ()


async def test_another_business_finds_nothing(
    stranger: httpx.AsyncClient, inbox: dict[str, ConversationId], channel: Channel
) -> None:
    for query in (f"channel={channel.id}", "order=waits_longest", "waiting=true"):
        assert await find(stranger, inbox, query) == []
