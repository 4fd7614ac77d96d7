"""Connecting a bot over the API, against a real server that plays Telegram."""

from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import httpx
import pytest

from config.settings import Settings
from deployments.integrations.channel_registration import ChannelRegistration
from deployments.integrations.telegram.reading import ALLOWED_UPDATES
from deployments.integrations.telegram.sending import MAX_CONNECTIONS
from persistence.channels import (
    Link,
    LinkState,
    decrypt_tokens,
    fetch_channel,
    fetch_tenant_channel,
)
from persistence.database import Pool
from persistence.ids import ChannelId
from persistence.secrets import Cipher
from persistence.users import User
from tests.support.api import SECRET, Api, connect, write_as_customer
from tests.support.servers.scripted_server import Fail, Hang, HangUp, Reply
from tests.support.servers.telegram_server import (
    TOKEN,
    TelegramServer,
    refusal,
    too_many,
)
from tests.support.telegram import new_bot
from tests.support.website import CIPHER

OTHER = "987654321:BBH-secret_of_another_bot-abcdefghij"
BOT = {"kind": "telegram", "name": "bot", "bot_token": TOKEN}
PUBLIC = "https://shop.example"


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with TelegramServer(TOKEN, OTHER) as telegram:
        yield telegram


@pytest.fixture
async def client(
    api: Api, telegram: TelegramServer, alice: User
) -> AsyncIterator[httpx.AsyncClient]:
    """Alice's connection to a runtime that Telegram can reach."""
    api.telegram_api_url, api.public_url = telegram.url, PUBLIC
    async with connect(api.build(), alice) as client:
        yield client


async def add(client: httpx.AsyncClient, **fields: object) -> dict[str, str]:
    answer = await client.post("/api/channels/", json={**BOT, **fields})
    assert answer.status_code == 201, answer.text
    assert TOKEN not in answer.text
    created: dict[str, str] = answer.json()
    return created


async def test_a_new_bot_is_checked_and_told_where_to_deliver(
    client: httpx.AsyncClient, telegram: TelegramServer
) -> None:
    channel = await add(client)
    assert telegram.methods() == ["getMe", "setWebhook"]
    assert telegram.webhooks[TOKEN] == {
        "url": PUBLIC + channel["webhook_path"],
        "secret_token": channel["webhook_secret"],
        "allowed_updates": list(ALLOWED_UPDATES),
        "max_connections": MAX_CONNECTIONS,
    }
    assert channel["connection"] == "connected"
    assert not channel["connection_hint"]


async def test_the_secret_is_told_once(client: httpx.AsyncClient, pool: Pool) -> None:
    channel = await add(client)
    path = f"/api/channels/{channel['id']}/"
    shown = (await client.get(path)).json()
    assert shown == {**channel, "webhook_secret": None}
    stored = await fetch_channel(pool, ChannelId(UUID(channel["id"])))
    assert stored is not None
    tokens = decrypt_tokens(Cipher(SECRET), stored)
    assert tokens.webhook_secret == channel["webhook_secret"]


async def test_a_token_that_telegram_does_not_know_makes_no_channel(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    stranger = "55:not-a-token-of-anybody"
    answer = await client.post("/api/channels/", json={**BOT, "bot_token": stranger})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("bot_token: Telegram does not know")
    assert stranger not in answer.text
    assert await pool.fetchval("SELECT count(*) FROM channels") == 0


@pytest.mark.parametrize(
    "reply", [HangUp(), Fail(502, "<html>"), Fail(200, "a portal"), too_many(3)]
)
async def test_a_platform_out_of_reach_is_named_and_tried_again(
    client: httpx.AsyncClient, telegram: TelegramServer, reply: Reply
) -> None:
    telegram.managed["getMe"] = reply
    channel = await add(client)
    assert channel["connection"] == "unreachable"
    assert "/connect/" in channel["connection_hint"]
    # It was not asked a second time for the webhook: somebody waits for the answer.
    assert telegram.methods() == ["getMe"]
    telegram.managed.clear()
    again = await client.post(f"/api/channels/{channel['id']}/connect/")
    assert again.json()["connection"] == "connected"
    assert telegram.webhooks[TOKEN]["secret_token"] == channel["webhook_secret"]


async def test_a_refused_address_is_told_in_the_platforms_words(
    client: httpx.AsyncClient, telegram: TelegramServer
) -> None:
    reason = f"Bad Request: bad webhook: no HTTPS for bot{TOKEN}"
    telegram.managed["setWebhook"] = refusal(400, reason)
    channel = await add(client)
    assert channel["connection"] == "refused"
    assert "bad webhook" in channel["connection_hint"]
    assert TOKEN not in str((await client.get("/api/channels/")).json())


async def test_without_a_public_address_the_channel_says_what_is_missing(
    api: Api, telegram: TelegramServer, alice: User
) -> None:
    api.telegram_api_url = telegram.url
    async with connect(api.build(), alice) as client:
        channel = await add(client)
    assert channel["connection"] == "no_public_url"
    assert "PILITO_PUBLIC_URL" in channel["connection_hint"]
    assert telegram.methods() == ["getMe"]


async def test_nothing_leaves_through_a_paused_channel_until_it_is_resumed(
    client: httpx.AsyncClient, telegram: TelegramServer
) -> None:
    channel = await add(client, is_paused=True)
    assert (channel["connection"], telegram.calls) == ("paused", [])
    path = f"/api/channels/{channel['id']}/"
    renamed = await client.patch(path, json={"name": "x"})
    assert (renamed.json()["connection"], telegram.calls) == ("paused", [])
    resumed = await client.patch(path, json={"is_paused": False})
    assert resumed.json()["connection"] == "connected"
    # Pausing stops what we send; what customers write is still taken.
    paused = await client.patch(path, json={"is_paused": True})
    assert paused.json()["connection"] == "connected"
    assert TOKEN in telegram.webhooks


async def test_another_bots_token_moves_the_webhook_to_that_bot(
    client: httpx.AsyncClient, telegram: TelegramServer
) -> None:
    channel = await add(client)
    path = f"/api/channels/{channel['id']}/"
    moved = await client.patch(path, json={"bot_token": OTHER})
    assert moved.json()["account_id"] == OTHER.split(":")[0]
    assert list(telegram.webhooks) == [OTHER]
    unknown = await client.patch(path, json={"bot_token": "1:not-a-token"})
    assert unknown.status_code == 422
    assert (await client.get(path)).json()["account_id"] == OTHER.split(":")[0]


async def test_a_deleted_channels_bot_is_told_to_be_silent(
    client: httpx.AsyncClient, telegram: TelegramServer
) -> None:
    channel = await add(client)
    answer = await client.delete(f"/api/channels/{channel['id']}/")
    assert (answer.status_code, telegram.webhooks) == (204, {})


async def test_a_channel_that_is_kept_keeps_its_webhook(
    client: httpx.AsyncClient, api: Api, telegram: TelegramServer, alice: User
) -> None:
    created = await add(client)
    channel = await fetch_tenant_channel(
        api.pool, alice.tenant_id, ChannelId(UUID(created["id"]))
    )
    assert channel is not None
    await write_as_customer(api, channel, "7001", "سلام")
    assert (await client.delete(f"/api/channels/{channel.id}/")).status_code == 409
    assert TOKEN in telegram.webhooks


@pytest.mark.parametrize("reply", [HangUp(), refusal(401, "Unauthorized")])
async def test_a_channel_can_be_deleted_while_telegram_is_away(
    client: httpx.AsyncClient, telegram: TelegramServer, reply: Reply
) -> None:
    channel = await add(client)
    telegram.managed["deleteWebhook"] = reply
    path = f"/api/channels/{channel['id']}/"
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404


async def test_only_who_owns_a_channel_connects_it(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    channel = await add(client)
    path = f"/api/channels/{channel['id']}/connect/"
    assert (await stranger.post(path)).status_code == 404
    site = await client.post("/api/channels/", json={"kind": "website", "name": "s"})
    assert site.json()["connection"] is None
    answer = await client.post(f"/api/channels/{site.json()['id']}/connect/")
    assert answer.status_code == 422


async def test_a_platform_that_hangs_does_not_hold_the_caller(
    pool: Pool, telegram: TelegramServer, alice: User
) -> None:
    telegram.managed["getMe"] = Hang()
    settings = Settings(telegram_api_url=telegram.url, public_url=PUBLIC)
    timeout = httpx.Timeout(20.0, read=0.2)
    registration = ChannelRegistration(pool, CIPHER, settings, timeout=timeout)
    channel = await registration.create(alice.tenant_id, new_bot())
    assert channel.link == Link(LinkState.UNREACHABLE, "no answer: ReadTimeout")
    await registration.stop()
