"""Connecting accounts over the API."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from deployments.web.api.channels import HINTS, UNPROVEN
from persistence.channels import (
    ChannelKind,
    LinkState,
    decrypt_tokens,
    fetch_channel,
    fetch_claim,
)
from persistence.database import Pool
from persistence.ids import ChannelId
from persistence.secrets import Cipher
from persistence.users import User
from tests.support.api import SECRET, Api, add_channel, write_as_customer

TOKEN = "IGQVJ-secret-of-the-platform-WXYZ"
BOT_TOKEN = "123456789:AAH-secret_of_the_bot-abcd"
JSON = {"Content-Type": "application/json"}
INSTAGRAM = {
    "kind": "instagram",
    "name": "فروشگاه",
    "account_id": "17841400000000000",
    "access_token": TOKEN,
}
TELEGRAM = {"kind": "telegram", "name": "bot", "bot_token": BOT_TOKEN}
WEBSITE = {"kind": "website", "name": "site"}


#: As the API renders it; the types of its fields are what the tests check.
Channel: TypeAlias = dict[str, Any]


async def add(client: httpx.AsyncClient, body: Mapping[str, object]) -> Channel:
    answer = await client.post("/api/channels/", json=body)
    assert answer.status_code == 201, answer.text
    created: Channel = answer.json()
    return created


async def test_an_instagram_channel_shows_all_but_its_token(
    client: httpx.AsyncClient, pool: Pool, alice: User
) -> None:
    channel = await add(client, INSTAGRAM)
    assert channel["account_id"] == INSTAGRAM["account_id"]
    assert channel["webhook_path"] == "/webhooks/instagram/"
    assert channel["token_hint"] == "…WXYZ"
    shown = await client.get(f"/api/channels/{channel['id']}/")
    assert shown.json() == channel
    assert TOKEN not in shown.text
    stored = await fetch_claim(
        pool, alice.tenant_id, ChannelKind.INSTAGRAM, INSTAGRAM["account_id"]
    )
    assert stored is not None
    assert TOKEN.encode() not in (stored.access_token or b"")
    assert decrypt_tokens(Cipher(SECRET), stored).access_token == TOKEN


async def test_a_telegram_channel_is_known_by_its_bots_number(
    client: httpx.AsyncClient,
) -> None:
    channel = await add(client, TELEGRAM)
    assert channel["account_id"] == "123456789"
    assert channel["webhook_path"] == f"/webhooks/telegram/{channel['id']}/"
    assert len(channel["webhook_secret"]) >= 32
    assert BOT_TOKEN not in str(channel)


async def test_each_website_gets_a_key_of_its_own(client: httpx.AsyncClient) -> None:
    first, second = await add(client, WEBSITE), await add(client, WEBSITE)
    assert first["channel_key"] == first["account_id"] != second["channel_key"]
    path = f"/webhooks/website/{first['channel_key']}/messages/"
    assert first["webhook_path"] == path


@pytest.mark.parametrize("body", [INSTAGRAM, TELEGRAM])
async def test_a_tenant_has_one_channel_of_an_account(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, body: dict[str, str]
) -> None:
    await add(client, body)
    answer = await client.post("/api/channels/", json=body)
    assert answer.status_code == 409
    assert answer.json()["detail"] == "account_id: this account is connected already"
    # The platform is away: what is not proven is everybody's to claim.
    await add(stranger, body)


async def test_a_channel_can_be_renamed_paused_and_given_a_new_token(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    channel = await add(client, INSTAGRAM)
    path = f"/api/channels/{channel['id']}/"
    assert (await client.patch(path, json={"name": "نو"})).json()["name"] == "نو"
    assert (await client.patch(path, json={"is_paused": True})).json()["is_paused"]
    changed = await client.patch(path, json={"access_token": "another-token-1234"})
    assert changed.json() == {
        **channel,
        "name": "نو",
        "is_paused": True,
        "token_hint": "…1234",
        "connection": "paused",
        "connection_hint": f"{HINTS[LinkState.PAUSED]} {UNPROVEN}",
    }
    assert await pool.fetchval("SELECT count(*) FROM channels") == 1


async def test_a_channel_moves_to_no_bot_that_is_not_proven(
    client: httpx.AsyncClient,
) -> None:
    channel = await add(client, TELEGRAM)
    path = f"/api/channels/{channel['id']}/"
    moved = await client.patch(path, json={"bot_token": "77:BBBBBBBBBBBB"})
    assert moved.status_code == 502
    shown = (await client.get(path)).json()
    assert shown == {**channel, "webhook_secret": None}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**INSTAGRAM, "access_token": ""}, "access_token"),
        ({**INSTAGRAM, "access_token": "\u200e" + TOKEN}, "access_token"),
        ({**INSTAGRAM, "account_id": "1\x002"}, "account_id"),
        ({**INSTAGRAM, "account_id": "17\u200f"}, "account_id"),
        ({**INSTAGRAM, "name": "   "}, "name"),
        ({"kind": "instagram", "name": "x", "access_token": TOKEN}, "account_id"),
        ({**TELEGRAM, "bot_token": "no-number"}, "bot_token"),
        ({**TELEGRAM, "bot_token": "1:" + "é" * 20}, "bot_token"),
        ({**WEBSITE, "name": "\ud800"}, "name"),
        ({**WEBSITE, "colour": "red"}, "colour"),
        ({"kind": "pigeon", "name": "x"}, "kind"),
        ({"name": "x"}, "kind"),
        ([], "body"),
    ],
)
async def test_a_wrong_field_is_named(
    client: httpx.AsyncClient, body: object, field: str
) -> None:
    answer = await client.post("/api/channels/", content=json.dumps(body), headers=JSON)
    assert answer.status_code == 422
    assert field in answer.json()["detail"]
    assert list(answer.json()["fields"]) == [field]


async def test_a_token_of_the_wrong_kind_is_refused(client: httpx.AsyncClient) -> None:
    channel = await add(client, WEBSITE)
    path = f"/api/channels/{channel['id']}/"
    answer = await client.patch(path, json={"access_token": TOKEN})
    assert answer.status_code == 422
    assert answer.json()["detail"] == "access_token: a website channel has none"


async def test_an_unused_channel_can_be_deleted(client: httpx.AsyncClient) -> None:
    channel = await add(client, WEBSITE)
    path = f"/api/channels/{channel['id']}/"
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404
    assert (await client.delete(path)).status_code == 404


async def test_a_channel_with_conversations_is_kept(
    client: httpx.AsyncClient, api: Api, app: FastAPI, alice: User
) -> None:
    channel = await add_channel(app, alice.tenant_id)
    await write_as_customer(api, channel, "sara", "سلام")
    answer = await client.delete(f"/api/channels/{channel.id}/")
    assert answer.status_code == 409
    assert "Pause it" in answer.json()["detail"]


async def test_x2_a_strangers_channel_is_not_there(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    channel = await add(client, INSTAGRAM)
    for channel_id in (channel["id"], uuid4()):
        path = f"/api/channels/{channel_id}/"
        assert (await stranger.get(path)).status_code == 404
        assert (await stranger.patch(path, json={"name": "x"})).status_code == 404
        assert (await stranger.delete(path)).status_code == 404
    assert (await stranger.get("/api/channels/")).json()["count"] == 0
    assert (await client.get(f"/api/channels/{channel['id']}/")).json() == channel


async def test_a_list_comes_in_pages(client: httpx.AsyncClient) -> None:
    for number in range(3):
        await add(client, {**WEBSITE, "name": f"site {number}"})
    first = (await client.get("/api/channels/?page_size=2")).json()
    assert first["count"] == 3
    assert first["previous"] is None
    second = (await client.get(first["next"])).json()
    names = [row["name"] for row in first["results"] + second["results"]]
    assert names == ["site 0", "site 1", "site 2"]
    assert second["next"] is None
    assert (await client.get(second["previous"])).json() == first
    past = (await client.get("/api/channels/?page=9&page_size=2")).json()
    assert past["count"] == 3
    assert past["results"] == []
    for query in ("page=0", "page_size=0", "page_size=201", "page=x", "page=9" * 9):
        assert (await client.get(f"/api/channels/?{query}")).status_code == 422


async def test_a_list_opens_when_the_secret_key_was_changed(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    channel = await add(client, INSTAGRAM)
    lost = Cipher("another key").encrypt(b"x")
    await pool.execute(
        "UPDATE channels SET access_token = $2 WHERE id = $1", UUID(channel["id"]), lost
    )
    answer = await client.get("/api/channels/")
    assert answer.status_code == 200
    assert answer.json()["results"][0]["token_hint"] is None


async def test_every_change_is_announced(
    client: httpx.AsyncClient, dsn: str, pool: Pool
) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    listener = await asyncpg.connect(dsn)
    await listener.add_listener(
        "pilito_channels", lambda *notice: heard.put_nowait(str(notice[3]))
    )
    channel = await add(client, WEBSITE)
    path = f"/api/channels/{channel['id']}/"
    await client.patch(path, json={"name": "x"})
    await client.delete(path)
    assert [await heard.get() for _ in range(3)] == [channel["id"]] * 3
    await listener.close()
    assert await fetch_channel(pool, ChannelId(UUID(channel["id"]))) is None


async def test_a_channel_says_what_automatic_greetings_do(
    client: httpx.AsyncClient,
) -> None:
    created = (await client.post("/api/channels/", json=INSTAGRAM)).json()
    assert created["automatic_greetings"] == "recognise"
    path = f"/api/channels/{created['id']}/"
    changed = await client.patch(path, json={"automatic_greetings": "take_over"})
    assert changed.json()["automatic_greetings"] == "take_over"
    renamed = await client.patch(path, json={"name": "نام دیگر"})
    assert renamed.json()["automatic_greetings"] == "take_over"
    assert (await client.get(path)).json() == renamed.json()
    wrong = await client.patch(path, json={"automatic_greetings": "sometimes"})
    assert wrong.status_code == 422
    website = {"kind": "website", "name": "سایت"}
    site = (await client.post("/api/channels/", json=website)).json()
    assert site["automatic_greetings"] is None
    refused = await client.patch(
        f"/api/channels/{site['id']}/", json={"automatic_greetings": "recognise"}
    )
    assert refused.status_code == 422


async def test_a_website_says_which_questions_its_page_suggests(
    client: httpx.AsyncClient,
) -> None:
    site = (await client.post("/api/channels/", json=WEBSITE)).json()
    assert (site["suggestions"], site["follow_ups"]) == ([], [])
    path = f"/api/channels/{site['id']}/"
    asked = {"suggestions": [" هزینه‌ی\nارسال؟ "], "follow_ups": ["کی؟"]}
    changed = (await client.patch(path, json=asked)).json()
    assert changed["suggestions"] == ["هزینه‌ی ارسال؟"]
    assert changed["follow_ups"] == ["کی؟"]
    renamed = (await client.patch(path, json={"name": "نام دیگر"})).json()
    assert renamed["suggestions"] == ["هزینه‌ی ارسال؟"]
    emptied = (await client.patch(path, json={"suggestions": []})).json()
    assert (emptied["suggestions"], emptied["follow_ups"]) == ([], ["کی؟"])
    wanted = {**WEBSITE, "suggestions": ["Do you ship?"]}
    created = (await client.post("/api/channels/", json=wanted)).json()
    assert created["suggestions"] == ["Do you ship?"]


@pytest.mark.parametrize("texts", [[" "], ["x" * 81], [*"abcdef"], ["a\0b"], "abc"])
async def test_what_no_button_can_hold_is_no_suggestion(
    client: httpx.AsyncClient, texts: object
) -> None:
    wrong = {**WEBSITE, "suggestions": texts}
    assert (await client.post("/api/channels/", json=wrong)).status_code == 422


async def test_only_a_website_has_suggestions(client: httpx.AsyncClient) -> None:
    instagram = await add(client, INSTAGRAM)
    assert instagram["suggestions"] is None
    refused = await client.patch(
        f"/api/channels/{instagram['id']}/", json={"suggestions": ["?"]}
    )
    assert refused.status_code == 422
