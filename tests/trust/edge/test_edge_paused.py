"""M7: a paused website takes no messages, says so, and can be removed."""

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from persistence.channels import ChannelEdit, edit_channel
from persistence.database import Pool
from persistence.users import User
from tests.support.api import Api, add_channel, connect, write_as_customer
from tests.support.servers.http_server import open_socket
from tests.support.waiting import time_limit
from tests.support.website import CIPHER, Website

VISITOR = "visitor-0001"
PATH = "/webhooks/website/shop-key-1/messages/"


async def set_paused(
    website: Website, browser: httpx.AsyncClient, pool: Pool, *, is_paused: bool
) -> None:
    """Change the channel, and wait until the pages have heard of it."""
    channel, edit = website.channel, ChannelEdit(is_paused=is_paused)
    async with pool.acquire() as connection, connection.transaction():
        await edit_channel(connection, CIPHER, channel.tenant_id, channel.id, edit)
    wanted, status = 503 if is_paused else 201, 0
    async with time_limit(lambda: status):
        while status != wanted:
            made = await browser.post("/webhooks/website/shop-key-1/visitors/", json={})
            status = made.status_code


async def test_trust_m7_a_paused_website_takes_no_messages_and_says_so(
    browser: httpx.AsyncClient, website: Website, pool: Pool
) -> None:
    message = {
        "visitor_id": VISITOR,
        "token": website.sign(VISITOR),
        "content": "سلام",
    }
    await browser.get("/chat/shop-key-1")
    await set_paused(website, browser, pool, is_paused=True)
    answer = await browser.post(PATH, json=message)
    assert answer.status_code == 503
    assert "paused" in answer.json()["detail"]
    assert int(answer.headers["retry-after"]) >= 60
    form = await browser.post("/chat/shop-key-1", data={"content": "سلام"})
    assert form.status_code == 503
    assert "فعلاً نمی‌توانیم" in form.text
    page = await browser.get("/chat/shop-key-1", params={"lang": "en"})
    assert page.status_code == 200
    assert "paused and takes no messages" in page.text
    socket = open_socket(
        f"ws://{website.address}/ws/website/shop-key-1/{VISITOR}",
        subprotocols=("pilito.visitor", website.sign(VISITOR)),
    )
    async with socket as opened:
        with pytest.raises(ConnectionClosed):
            await opened.recv()
        assert opened.close_code == 4423
    # Nothing was stored, so nothing is answered.
    assert website.shards.events == []
    await set_paused(website, browser, pool, is_paused=False)
    assert (await browser.post(PATH, json=message)).status_code == 201
    assert len(website.shards.events) == 1


async def test_trust_m7_a_flooded_website_can_be_paused_and_removed(
    api: Api, alice: User, bob: User, pool: Pool
) -> None:
    app = api.build()
    channel = await add_channel(app, alice.tenant_id, account_id="flooded")
    await write_as_customer(api, channel, "visitor-0001", "سلام")
    path = f"/api/channels/{channel.id}/"
    async with connect(app, alice) as client, connect(app, bob) as stranger:
        assert (await client.delete(path)).status_code == 409
        assert (await client.patch(path, json={"is_paused": True})).is_success
        assert (await stranger.delete(path)).status_code == 404
        assert (await client.delete(path)).status_code == 204
        assert (await client.get(path)).status_code == 404
        assert (await client.get("/api/channels/")).json()["count"] == 0
        # What was said is kept.
        found = (await client.get("/api/conversations/")).json()
        assert found["count"] == 1
    assert await pool.fetchval("SELECT visitor_secret FROM channels") is None
