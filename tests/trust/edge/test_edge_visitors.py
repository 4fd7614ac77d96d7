"""M9: nobody reads or writes as a visitor by knowing an id."""

import hashlib
import hmac
from collections.abc import AsyncIterator

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect

from deployments.rate_limit import MISSES_PER_ADDRESS
from persistence.channels import set_visitor_secret
from persistence.database import Pool
from persistence.users import User
from tests.support.servers.http_server import open_socket, read_close_code
from tests.support.waiting import time_limit
from tests.support.website import CIPHER, Website, running_website

PHONE = "09121234567"
SECRET = "the secret of the shop's own server"
MESSAGES = "/webhooks/website/shop-key-1/messages/"
VISITORS = "/webhooks/website/shop-key-1/visitors/"


@pytest.fixture
async def website(pool: Pool, dsn: str) -> AsyncIterator[Website]:
    async with running_website(pool, dsn) as website:
        channel = website.channel
        async with pool.acquire() as connection, connection.transaction():
            await set_visitor_secret(
                connection, CIPHER, channel.tenant_id, channel.id, SECRET
            )
        yield website


def hash_id(visitor_id: str, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), visitor_id.encode(), hashlib.sha256).hexdigest()


def follow(
    website: Website, visitor: str, *subprotocols: str, query: str = ""
) -> connect:
    address = f"ws://{website.address}/ws/website/shop-key-1/{visitor}{query}"
    return open_socket(address, subprotocols=subprotocols)


async def read_first(opening: connect) -> object:
    async with opening as socket:
        while True:
            frame = orjson.loads(await socket.recv())
            if frame["type"] == "message":
                return frame["content"]


@pytest.mark.parametrize("visitor_id", [PHONE, "A" * 24, "visitor-0001"])
async def test_trust_m9_an_id_alone_is_422(
    browser: httpx.AsyncClient, visitor_id: str
) -> None:
    body = {"visitor_id": visitor_id, "content": "سلام"}
    answer = await browser.post(MESSAGES, json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("visitor_hash: ")


async def test_trust_m9_a_visitor_of_ours_writes_and_reads(
    browser: httpx.AsyncClient, website: Website
) -> None:
    made = await browser.post(VISITORS, json={})
    assert made.status_code == 201
    visitor = made.json()
    assert set(visitor) == {"visitor_id", "token"}
    other = (await browser.post(VISITORS)).json()
    sent = await browser.post(MESSAGES, json={**visitor, "content": "سلام"})
    assert sent.status_code == 201, sent.text
    mine = ("pilito.visitor", visitor["token"])
    assert await read_first(follow(website, visitor["visitor_id"], *mine)) == "سلام"
    # The token of another visitor opens nothing.
    stolen = {**visitor, "token": other["token"], "content": "x"}
    assert (await browser.post(MESSAGES, json=stolen)).status_code == 401
    theirs = ("pilito.visitor", other["token"])
    as_other = follow(website, visitor["visitor_id"], *theirs)
    assert await read_close_code(as_other) == 4401
    assert await read_close_code(follow(website, visitor["visitor_id"])) == 4401


async def test_trust_m9_a_shop_vouches_for_its_own_ids(
    browser: httpx.AsyncClient, website: Website
) -> None:
    vouched = {"visitor_id": PHONE, "visitor_hash": hash_id(PHONE)}
    sent = await browser.post(MESSAGES, json={**vouched, "content": "سلام"})
    assert sent.status_code == 201, sent.text
    query = f"?visitor_hash={hash_id(PHONE).upper()}"
    assert await read_first(follow(website, PHONE, query=query)) == "سلام"
    # The page exchanges the hash for a token, and keeps that.
    made = await browser.post(VISITORS, json=vouched)
    assert made.json()["visitor_id"] == PHONE
    mine = ("pilito.visitor", made.json()["token"])
    assert await read_first(follow(website, PHONE, *mine)) == "سلام"
    for wrong in (hash_id("09121234568"), hash_id(PHONE, "guessed"), "0" * 64):
        body = {"visitor_id": PHONE, "visitor_hash": wrong, "content": "x"}
        assert (await browser.post(MESSAGES, json=body)).status_code == 401
        assert (await browser.post(VISITORS, json=body)).status_code == 401


async def test_trust_m9_guesses_are_throttled_and_visitors_are_not(
    browser: httpx.AsyncClient,
) -> None:
    visitor = (await browser.post(VISITORS, json={})).json()
    guess = {"visitor_id": PHONE, "visitor_hash": "0" * 64, "content": "x"}
    statuses = [
        (await browser.post(MESSAGES, json=guess)).status_code
        for _ in range(MISSES_PER_ADDRESS + 1)
    ]
    assert statuses == [401] * MISSES_PER_ADDRESS + [429]
    sent = await browser.post(MESSAGES, json={**visitor, "content": "سلام"})
    assert sent.status_code == 201


async def test_trust_m9_the_cookie_of_the_page_is_signed(
    browser: httpx.AsyncClient, website: Website
) -> None:
    vouched = {"visitor_id": PHONE, "visitor_hash": hash_id(PHONE)}
    await browser.post(MESSAGES, json={**vouched, "content": "راز مشتری"})
    for cookie in (PHONE, f"{PHONE}.", f"{PHONE}.{'A' * 43}"):
        headers = {"Cookie": f"pilito_visitor={cookie}"}
        page = await browser.get("/chat/shop-key-1", headers=headers)
        assert "راز مشتری" not in page.text
    headers = {"Cookie": f"pilito_visitor={PHONE}.{website.sign(PHONE)}"}
    page = await browser.get("/chat/shop-key-1", headers=headers)
    assert "راز مشتری" in page.text


async def test_trust_m9_owners_get_a_secret_and_can_renew_it(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, alice: User, pool: Pool
) -> None:
    assert alice.username == "alice"
    made = await client.post("/api/channels/", json={"kind": "website", "name": "w"})
    first = made.json()["visitor_secret"]
    assert len(first) >= 32
    path = f"/api/channels/{made.json()['id']}/"
    assert (await client.get(path)).json()["visitor_secret"] is None
    stored = await pool.fetchval("SELECT visitor_secret FROM channels")
    assert first.encode() not in stored
    assert (await stranger.post(f"{path}visitor-secret/")).status_code == 404
    renewed = await client.post(f"{path}visitor-secret/")
    assert renewed.status_code == 200
    assert renewed.json()["visitor_secret"] not in {None, first}


async def test_trust_m9_tokens_that_a_secret_gave_end_when_it_is_renewed(
    browser: httpx.AsyncClient, website: Website, pool: Pool
) -> None:
    """Whoever learned the secret must not keep tokens for all the shop's customers."""
    ours = (await browser.post(VISITORS, json={})).json()
    vouched = {"visitor_id": PHONE, "visitor_hash": hash_id(PHONE)}
    token = (await browser.post(VISITORS, json=vouched)).json()["token"]
    stolen = {"visitor_id": PHONE, "token": token}
    sent = await browser.post(MESSAGES, json={**stolen, "content": "سلام"})
    assert sent.status_code == 201, sent.text
    # A token that is exchanged for another one gains nothing by it.
    again = (await browser.post(VISITORS, json=stolen)).json()["token"]

    channel, renewed = website.channel, "another secret of the shop's own server"
    async with pool.acquire() as connection, connection.transaction():
        await set_visitor_secret(
            connection, CIPHER, channel.tenant_id, channel.id, renewed
        )
    for old in (token, again):
        body = {"visitor_id": PHONE, "token": old, "content": "x"}
        status = 0
        async with time_limit(lambda: status):  # noqa: B023 - read at once
            # The announcement of the new secret may still be on its way.
            while status != 401:
                status = (await browser.post(MESSAGES, json=body)).status_code
        mine = ("pilito.visitor", old)
        assert await read_close_code(follow(website, PHONE, *mine)) == 4401
    # The shop vouches anew, and visitors of ours have nothing to do with its secret.
    vouched = {"visitor_id": PHONE, "visitor_hash": hash_id(PHONE, renewed)}
    made = (await browser.post(VISITORS, json=vouched)).json()
    mine = ("pilito.visitor", made["token"])
    assert await read_first(follow(website, PHONE, *mine)) == "سلام"
    sent = await browser.post(MESSAGES, json={**ours, "content": "سلام"})
    assert sent.status_code == 201, sent.text
