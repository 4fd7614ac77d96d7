"""What visitors write, over the real app, a real shard and a real database."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import orjson
import pytest

from actors.clock import SystemClock
from actors.conversation.errors import ShardUnavailableError
from config.settings import Settings
from deployments.integrations.channel_directory import ChannelDirectory
from deployments.integrations.webhooks import build_webhooks_app
from deployments.integrations.website.visitors import Visitors
from deployments.rate_limit import VisitorRateLimiter
from persistence.channels import Channel, ChannelKind
from persistence.database import Pool
from persistence.ids import derive_conversation_id
from persistence.messages import fetch_latest_messages
from tests.support.api import LocalShards
from tests.support.conversation.shards import RecordingShards
from tests.support.website import CIPHER, SIGNER, add_shop

VISITOR = "visitor-0001"
PATH = "/webhooks/website/shop-key-1/messages/"


@pytest.fixture
async def shop(pool: Pool) -> Channel:
    return await add_shop(pool, ChannelKind.WEBSITE, "shop-key-1")


def connect(
    pool: Pool,
    shards: LocalShards | RecordingShards,
    throttle: VisitorRateLimiter | None = None,
    peer: str = "127.0.0.1",
) -> httpx.AsyncClient:
    clock = SystemClock()
    throttle = throttle or VisitorRateLimiter(clock)
    app = build_webhooks_app(
        Settings(),
        shards,
        ChannelDirectory(pool),
        clock,
        throttle,
        visitors=Visitors(SIGNER, CIPHER, throttle),
    )
    transport = httpx.ASGITransport(app, client=(peer, 4711))
    return httpx.AsyncClient(transport=transport, base_url="http://pilito.test")


@pytest.fixture
async def browser(pool: Pool, shop: Channel) -> AsyncIterator[httpx.AsyncClient]:
    assert shop.account_id == "shop-key-1"
    shards = LocalShards(pool)
    await shards.shard.start()
    async with connect(pool, shards) as client:
        yield client
    await shards.shard.stop()


@pytest.fixture(autouse=True)
async def _signed(shop: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Written, "shop", shop, raising=False)


class Written:
    """What a page sends, signed for the shop of the test."""

    shop: Channel

    @classmethod
    def build(cls, content: str, **fields: str) -> dict[str, str]:
        visitor = fields.get("visitor_id", VISITOR)
        token = SIGNER.sign(cls.shop.id, visitor)
        return {"visitor_id": visitor, "token": token, "content": content, **fields}


def written(content: str = "سلام", **fields: str) -> dict[str, str]:
    return Written.build(content, **fields)


async def test_a_message_is_stored_and_named(
    browser: httpx.AsyncClient, pool: Pool, shop: Channel
) -> None:
    answer = await browser.post(PATH, json=written())
    assert answer.status_code == 201
    conversation_id = derive_conversation_id(shop.id, VISITOR)
    (stored,) = await fetch_latest_messages(pool, conversation_id, 10)
    assert answer.json() == {
        "id": str(stored.id),
        "seq": stored.seq,
        "created_at": stored.created_at.isoformat(),
    }
    assert (stored.content, stored.tenant_id) == ("سلام", shop.tenant_id)


async def test_d1_a_retry_with_the_same_client_id_is_one_message(
    browser: httpx.AsyncClient, pool: Pool, shop: Channel
) -> None:
    answers = [
        await browser.post(PATH, json=written(client_id="c-1")) for _ in range(3)
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 200]
    assert len({(a.json()["id"], a.json()["seq"]) for a in answers}) == 1
    conversation_id = derive_conversation_id(shop.id, VISITOR)
    assert len(await fetch_latest_messages(pool, conversation_id, 10)) == 1


async def test_d3_two_first_messages_at_once_are_one_conversation(
    browser: httpx.AsyncClient, pool: Pool
) -> None:
    await asyncio.gather(*(browser.post(PATH, json=written(str(n))) for n in range(20)))
    assert await pool.fetchval("SELECT count(*) FROM conversations") == 1
    assert await pool.fetchval("SELECT count(*) FROM messages") == 20


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"content": ""}, "content"),
        ({"content": "x" * 4001}, "content"),
        ({"content": "a\0b"}, "content"),
        ({"visitor_id": "short"}, "visitor_id"),
        ({"client_id": "with space"}, "client_id"),
    ],
)
async def test_a_wrong_field_is_named(
    browser: httpx.AsyncClient, fields: dict[str, str], field: str
) -> None:
    answer = await browser.post(PATH, json={**written(), **fields})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(f"{field}: ")


async def test_an_emoji_that_was_cut_in_half_costs_no_message(
    browser: httpx.AsyncClient, pool: Pool
) -> None:
    # Browsers write so what was typed up to the last of so many letters.
    body = orjson.dumps(written(content="CUT")).replace(b"CUT", rb"\u0633 \ud83d")
    assert (await browser.post(PATH, content=body)).status_code == 201
    assert await pool.fetchval("SELECT content FROM messages") == "س \ufffd"


async def test_broken_json_is_400_and_an_unknown_key_404(
    browser: httpx.AsyncClient,
) -> None:
    assert (await browser.post(PATH, content=b"{")).status_code == 400
    unknown = await browser.post("/webhooks/website/none/messages/", json=written())
    assert unknown.status_code == 404
    assert unknown.json()["detail"]
    nul = await browser.post("/webhooks/website/a%00b/messages/", json=written())
    assert nul.status_code == 404
    large = await browser.post(PATH, content=b" " * 70_000)
    assert large.status_code == 413


@pytest.mark.parametrize("path", [PATH, PATH.replace("messages", "visitors")])
async def test_shops_may_send_from_their_own_site(
    browser: httpx.AsyncClient, path: str
) -> None:
    origin = {"Origin": "https://shop.example"}
    asked = await browser.options(
        path,
        headers={
            **origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )
    assert asked.status_code == 200
    assert "POST" in asked.headers["access-control-allow-methods"]
    for content in ("سلام", ""):
        answer = await browser.post(path, json=written(content), headers=origin)
        # An error without the header could not be read by the shop's script.
        assert answer.headers["access-control-allow-origin"] == "*"


async def test_a_visitor_and_an_address_are_throttled(
    pool: Pool, shop: Channel
) -> None:
    assert shop.account_id == "shop-key-1"
    throttle = VisitorRateLimiter(SystemClock(), per_visitor=2, per_address=4)
    async with connect(pool, RecordingShards(), throttle, "8.8.8.8") as client:
        visitors = ("visitor-0001",) * 3 + ("visitor-0002",) * 2 + ("visitor-0003",)
        answers = [
            await client.post(PATH, json=written(visitor_id=visitor))
            for visitor in visitors
        ]
    statuses = [answer.status_code for answer in answers]
    assert statuses == [201, 201, 429, 201, 201, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60


async def test_a_shard_that_is_away_is_503(pool: Pool, shop: Channel) -> None:
    assert shop.account_id == "shop-key-1"
    shards = RecordingShards()
    shards.fault = lambda _: ShardUnavailableError()
    async with connect(pool, shards) as client:
        answer = await client.post(PATH, json=written())
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1


async def test_one_client_id_with_another_text_is_409_and_nothing_is_lost(
    browser: httpx.AsyncClient, pool: Pool, shop: Channel
) -> None:
    first = await browser.post(PATH, json=written("هزینه ارسال؟", client_id="1"))
    other = await browser.post(PATH, json=written("آدرس شعبه؟", client_id="1"))
    assert (first.status_code, other.status_code) == (201, 409)
    assert other.json()["detail"].startswith("client_id: ")
    again = await browser.post(PATH, json=written("هزینه ارسال؟", client_id="1"))
    assert again.status_code == 200
    assert again.json() == first.json()
    sent = await browser.post(PATH, json=written("آدرس شعبه؟", client_id="2"))
    assert sent.status_code == 201
    conversation_id = derive_conversation_id(shop.id, VISITOR)
    stored = await fetch_latest_messages(pool, conversation_id, 10)
    assert [message.content for message in stored] == ["هزینه ارسال؟", "آدرس شعبه؟"]


async def test_of_two_texts_at_once_under_one_client_id_one_is_stored(
    browser: httpx.AsyncClient, pool: Pool
) -> None:
    texts = ["الف", "ب"] * 10
    answers = await asyncio.gather(
        *(browser.post(PATH, json=written(text, client_id="1")) for text in texts)
    )
    stored = await pool.fetchval("SELECT string_agg(content, '|') FROM messages")
    assert stored in texts
    statuses = {"201": 0, "200": 0, "409": 0}
    for text, answer in zip(texts, answers, strict=True):
        statuses[str(answer.status_code)] += 1
        assert (answer.status_code == 409) == (text != stored)
    assert statuses == {"201": 1, "200": 9, "409": 10}


async def test_a_client_id_keeps_its_text_after_a_restart(
    pool: Pool, shop: Channel
) -> None:
    assert shop.account_id == "shop-key-1"
    statuses = []
    for text in ("سلام", "سلام", "خداحافظ"):
        shards = LocalShards(pool)
        await shards.shard.start()
        async with connect(pool, shards) as client:
            answer = await client.post(PATH, json=written(text, client_id="1"))
        statuses.append(answer.status_code)
        await shards.shard.stop()
    assert statuses == [201, 200, 409]
