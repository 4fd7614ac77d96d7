"""Customers over the API: found in any spelling, edited within bounds."""

from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from actors.conversation.events import CustomerEdited
from persistence.channels import ChannelKind
from persistence.ids import ConversationId, derive_customer_id
from persistence.users import User
from tests.support.api import Api, add_channel, write_as_customer

CARD = {
    "id",
    "channel_id",
    "source",
    "conversation_id",
    "platform_id",
    "first_name",
    "last_name",
    "username",
    "tags",
    "attributes",
    "notes",
    "created_at",
}


@pytest.fixture
async def conversation_id(api: Api, app: FastAPI, alice: User) -> ConversationId:
    channel = await add_channel(app, alice.tenant_id)
    return await write_as_customer(api, channel, "visitor-7", "سلام")


@pytest.fixture
async def path(client: httpx.AsyncClient, conversation_id: ConversationId) -> str:
    shown = (await client.get(f"/api/conversations/{conversation_id}/")).json()
    return f"/api/customers/{shown['customer']['id']}/"


async def test_a_customer_comes_with_the_first_message(
    client: httpx.AsyncClient, conversation_id: ConversationId, path: str
) -> None:
    page = (await client.get("/api/customers/")).json()
    assert page["count"] == 1
    (card,) = page["results"]
    assert set(card) == CARD
    assert card["platform_id"] == "visitor-7"
    assert card["source"] == "website"
    assert card["conversation_id"] == str(conversation_id)
    assert (card["tags"], card["attributes"], card["notes"]) == ([], {}, "")
    assert (await client.get(path)).json() == card


async def test_an_edit_changes_what_it_names_and_nothing_else(
    client: httpx.AsyncClient, path: str
) -> None:
    attributes = {"size": "L", "orders": 3, "vip": True, "discount": 0.5, "born": None}
    first = await client.patch(
        path, json={"first_name": " سارا ", "tags": ["vip", "تهران"], "notes": "زود"}
    )
    assert first.status_code == 200
    assert first.json()["first_name"] == "سارا"
    card = (await client.patch(path, json={"attributes": attributes})).json()
    assert card["attributes"] == attributes
    assert card["attributes"]["vip"] is True
    assert (card["first_name"], card["notes"]) == ("سارا", "زود")
    assert card["tags"] == ["vip", "تهران"]
    emptied = (await client.patch(path, json={"tags": [], "notes": ""})).json()
    assert (emptied["tags"], emptied["notes"]) == ([], "")
    assert (await client.get(path)).json() == emptied


async def test_an_edit_shows_in_the_inbox_and_in_the_history(
    client: httpx.AsyncClient,
    api: Api,
    alice: User,
    conversation_id: ConversationId,
    path: str,
) -> None:
    await client.patch(path, json={"tags": ["vip"], "last_name": "احمدی"})
    shown = (await client.get(f"/api/conversations/{conversation_id}/")).json()
    assert shown["customer"]["tags"] == ["vip"]
    assert shown["customer"]["last_name"] == "احمدی"
    event = api.shards.events[-1]
    assert isinstance(event, CustomerEdited)
    assert (event.user_id, event.fields) == (alice.id, ("last_name", "tags"))


async def test_an_edit_of_nothing_is_no_event(
    client: httpx.AsyncClient, api: Api, path: str
) -> None:
    seen = len(api.shards.events)
    assert (await client.patch(path, json={})).status_code == 200
    assert len(api.shards.events) == seen


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"tags": ["x"] * 51}, "tags"),
        ({"tags": ["vip", " vip"]}, "tags"),
        ({"tags": [""]}, "tags.0"),
        ({"tags": ["x" * 51]}, "tags.0"),
        ({"tags": ["a\x00"]}, "tags.0"),
        ({"tags": "vip"}, "tags"),
        ({"notes": "x" * 10_001}, "notes"),
        ({"first_name": "x" * 101}, "first_name"),
        ({"attributes": {str(n): n for n in range(51)}}, "attributes"),
        ({"attributes": {"": 1}}, "attributes"),
        ({"attributes": {"x" * 101: 1}}, "attributes"),
        ({"attributes": {"a\x00": 1}}, "attributes"),
        ({"attributes": {"a": "x" * 1001}}, "attributes.a"),
        ({"attributes": {"a": "\x00"}}, "attributes.a"),
        ({"attributes": {"a": {"deep": 1}}}, "attributes.a"),
        ({"attributes": {"a": 2**63}}, "attributes.a"),
        ({"attributes": [1]}, "attributes"),
        ({"username": "sara"}, "username"),
    ],
)
async def test_a_bad_edit_names_its_field_and_changes_nothing(
    client: httpx.AsyncClient, path: str, body: dict[str, object], field: str
) -> None:
    before = (await client.get(path)).json()
    answer = await client.patch(path, json={"notes": "x"} | body)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(field)
    assert (await client.get(path)).json() == before


async def test_customers_are_found_by_words_tag_and_channel(
    client: httpx.AsyncClient, api: Api, app: FastAPI, alice: User, path: str
) -> None:
    channel = await add_channel(app, alice.tenant_id, ChannelKind.INSTAGRAM, "178")
    await write_as_customer(api, channel, "ig-1", "سلام")
    other = derive_customer_id(channel.id, "ig-1")
    await client.patch(
        path, json={"first_name": "علي", "last_name": "كريمي", "tags": ["عمده"]}
    )
    await client.patch(
        f"/api/customers/{other}/", json={"notes": "دوستِ می‌نا", "tags": ["vip"]}
    )
    mine = path.split("/")[3]
    for query, found in (
        ("q=علی کریمی", [mine]),
        ("q=IG-1", [str(other)]),
        ("q=دوست مینا", [str(other)]),
        ("tag=عمده", [mine]),
        ("tag=عمد", []),
        (f"channel_id={channel.id}", [str(other)]),
        (f"channel_id={channel.id}&tag=عمده", []),
        ("page_size=1", [str(other)]),
        ("page=9", []),
    ):
        page = (await client.get(f"/api/customers/?{query}")).json()
        assert [row["id"] for row in page["results"]] == found, query
    for query in ("q=%00", f"q={'x' * 201}", f"tag={'x' * 51}", "channel_id=x"):
        answer = await client.get(f"/api/customers/?{query}")
        assert answer.status_code == 422
        assert answer.json()["detail"].startswith(query.partition("=")[0])


async def test_x2_a_customer_belongs_to_one_tenant(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, api: Api, path: str
) -> None:
    before = (await client.get(path)).json()
    seen = len(api.shards.events)
    for unknown in (path, f"/api/customers/{uuid4()}/"):
        assert (await stranger.get(unknown)).status_code == 404
        answer = await stranger.patch(unknown, json={"notes": "mine now"})
        assert answer.status_code == 404
    assert (await stranger.get("/api/customers/")).json()["count"] == 0
    assert (await client.get(path)).json() == before
    assert len(api.shards.events) == seen
