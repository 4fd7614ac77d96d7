"""Instagram's webhooks over the real app and a real database."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import httpx
import orjson
import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr
from structlog.testing import capture_logs

from actors.clock import SystemClock
from actors.conversation.errors import InvalidEventError, ShardUnavailableError
from actors.conversation.events import CustomerWrote, EchoReceived, Event
from config.settings import Settings
from deployments.integrations.channel_directory import ChannelDirectory
from deployments.integrations.instagram.webhook import MAX_WEBHOOK_BYTES
from deployments.integrations.webhooks import (
    build_webhooks_app,
)
from persistence.channels import Channel, ChannelKind
from persistence.database import Pool
from persistence.ids import derive_conversation_id
from tests.support.conversation.shards import RecordingShards
from tests.support.webhooks import sign, text_webhook
from tests.support.website import add_shop

SECRET = "app secret"
SHOP, SARA = "17841400000000000", "900100200300"
PATH = "/webhooks/instagram/"


@pytest.fixture
def shards() -> RecordingShards:
    return RecordingShards()


@pytest.fixture
async def channel(pool: Pool) -> Channel:
    return await add_shop(pool, ChannelKind.INSTAGRAM, SHOP)


def connect(
    pool: Pool,
    shards: RecordingShards,
    *,
    secret: str | None = SECRET,
    host: str = "0.0.0.0",  # noqa: S104 - what an open runtime is set to
    mounted_at: str = "",
) -> httpx.AsyncClient:
    settings = Settings(
        http_host=host,
        instagram_app_secret=SecretStr(secret) if secret else None,
        instagram_verify_token=SecretStr("verify me"),
    )
    app = build_webhooks_app(settings, shards, ChannelDirectory(pool), SystemClock())
    transport = httpx.ASGITransport(app, root_path=mounted_at)
    return httpx.AsyncClient(transport=transport, base_url="http://pilito.test")


@pytest.fixture
async def meta(
    pool: Pool, shards: RecordingShards, channel: Channel
) -> AsyncIterator[httpx.AsyncClient]:
    assert channel.account_id == SHOP
    async with connect(pool, shards) as client:
        yield client


async def deliver(client: httpx.AsyncClient, body: bytes) -> httpx.Response:
    return await client.post(PATH, content=body, headers=sign(body, SECRET))


def message(mid: str, text: str, customer: str = SARA) -> dict[str, object]:
    return {
        "sender": {"id": customer},
        "recipient": {"id": SHOP},
        "message": {"mid": mid, "text": text},
    }


def webhook(*events: object) -> bytes:
    entry = {"id": SHOP, "messaging": list(events)}
    return orjson.dumps({"object": "instagram", "entry": [entry]})


async def test_a_signed_text_is_stored_before_the_answer(
    meta: httpx.AsyncClient, shards: RecordingShards, channel: Channel
) -> None:
    answer = await deliver(meta, text_webhook(SHOP, SARA, "m1", "سلام"))
    assert (answer.status_code, answer.text) == (200, "EVENT_RECEIVED")
    (event,) = shards.events
    assert isinstance(event, CustomerWrote)
    assert (event.text, event.customer, event.mid) == ("سلام", SARA, "m1")
    assert event.tenant_id == channel.tenant_id
    assert event.conversation_id == derive_conversation_id(channel.id, SARA)


async def test_serves_prefix_is_stripped_when_it_mounts_the_app(
    pool: Pool, shards: RecordingShards, channel: Channel
) -> None:
    assert channel.account_id == SHOP
    async with connect(pool, shards, mounted_at="/webhooks") as client:
        answer = await deliver(client, text_webhook(SHOP, SARA, "m1", "سلام"))
    assert answer.status_code == 200


async def test_d1_the_same_webhook_twice_is_one_event(
    meta: httpx.AsyncClient, shards: RecordingShards
) -> None:
    body = text_webhook(SHOP, SARA, "m1", "سلام")
    answers = await asyncio.gather(deliver(meta, body), deliver(meta, body))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(shards.events) == 1


async def test_d1_an_echo_is_known_by_its_mid_and_not_by_its_text(
    meta: httpx.AsyncClient, shards: RecordingShards
) -> None:
    def echo(mid: str) -> dict[str, object]:
        return {
            "sender": {"id": SHOP},
            "recipient": {"id": SARA},
            "message": {"mid": mid, "text": "بله", "is_echo": True},
        }

    await deliver(meta, webhook(echo("e1"), echo("e2"), echo("e1")))
    assert [
        (event.mid, event.customer)
        for event in shards.events
        if isinstance(event, EchoReceived)
    ] == [("e1", SARA), ("e2", SARA)]


def poison(event: Event) -> InvalidEventError | None:
    """Refuse one text for good."""
    is_poison = isinstance(event, CustomerWrote) and event.text == "poison"
    return InvalidEventError("can't be applied") if is_poison else None


async def test_d2_what_can_never_be_stored_is_kept_before_the_webhook_is_answered(
    pool: Pool, meta: httpx.AsyncClient, shards: RecordingShards
) -> None:
    shards.fault = poison
    body = webhook(
        message("m1", "poison", "customer-1"), message("m2", "fine", "customer-2")
    )
    for _ in range(2):
        assert (await deliver(meta, body)).status_code == 200
    assert texts(shards) == ["fine"]
    (letter,) = await pool.fetch("SELECT kind, payload FROM dead_letters")
    assert (letter["kind"], "poison" in letter["payload"]) == ("CustomerWrote", True)


async def test_d2_what_can_be_neither_stored_nor_kept_is_never_answered_200(
    pool: Pool, meta: httpx.AsyncClient, shards: RecordingShards
) -> None:
    shards.fault = poison
    await pool.execute("ALTER TABLE dead_letters RENAME TO elsewhere")
    body = webhook(message("m1", "poison"))
    with pytest.raises(asyncpg.UndefinedTableError):
        await deliver(meta, body)


async def test_d2_what_can_never_be_stored_takes_nothing_after_it_along(
    meta: httpx.AsyncClient, shards: RecordingShards
) -> None:
    shards.fault = poison
    body = webhook(message("m1", "poison"), message("m2", "fine"))
    assert (await deliver(meta, body)).status_code == 200
    assert texts(shards) == ["fine"]


async def test_d2_a_shard_that_is_away_makes_meta_come_again(
    meta: httpx.AsyncClient, shards: RecordingShards
) -> None:
    body = webhook(
        message("m1", "a", "customer-1"),
        message("m2", "b", "customer-2"),
        message("m3", "c", "customer-1"),
    )
    shards.fault = lambda event: (
        ShardUnavailableError()
        if isinstance(event, CustomerWrote) and event.mid == "m1"
        else None
    )
    answer = await deliver(meta, body)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    # What follows m1 in its conversation did not overtake it; the other is stored.
    assert texts(shards) == ["b"]
    shards.fault = lambda _: None
    assert (await deliver(meta, body)).status_code == 200
    assert texts(shards) == ["b", "a", "c"]


def texts(shards: RecordingShards) -> list[str]:
    return [event.text for event in shards.events if isinstance(event, CustomerWrote)]


async def test_events_of_one_conversation_are_stored_in_order_one_by_one(
    meta: httpx.AsyncClient, shards: RecordingShards
) -> None:
    people = [f"customer-{number % 3}" for number in range(30)]
    body = webhook(
        *(message(f"m{n}", str(n), person) for n, person in enumerate(people))
    )
    assert (await deliver(meta, body)).status_code == 200
    assert shards.most_at_once == 1
    for person in set(people):
        own = [
            int(event.text)
            for event in shards.events
            if isinstance(event, CustomerWrote) and event.customer == person
        ]
        assert own == sorted(own)
        assert len(own) == 10


async def test_unknown_kinds_never_fail_the_rest(
    meta: httpx.AsyncClient, shards: RecordingShards
) -> None:
    body = webhook(
        {"sender": {"id": SARA}, "read": {"mid": "m0"}},
        {"nonsense": 1},
        "not even an object",
        {"message": {"mid": "m0", "is_deleted": True}},
        message("m1", "سلام"),
    )
    assert (await deliver(meta, body)).status_code == 200
    assert texts(shards) == ["سلام"]


async def test_x1_a_wrong_or_missing_signature_is_refused(
    meta: httpx.AsyncClient, shards: RecordingShards
) -> None:
    body = text_webhook(SHOP, SARA, "m1", "سلام")
    unsigned = await meta.post(PATH, content=body)
    wrong = await meta.post(PATH, content=body, headers=sign(body, "other"))
    other_body = await meta.post(PATH, content=body + b" ", headers=sign(body, SECRET))
    statuses = [answer.status_code for answer in (unsigned, wrong, other_body)]
    assert statuses == [401, 401, 401]
    assert shards.events == []


async def test_x1_without_a_secret_only_a_private_runtime_takes_webhooks(
    pool: Pool, shards: RecordingShards, channel: Channel
) -> None:
    assert channel.account_id == SHOP
    body = text_webhook(SHOP, SARA, "m1", "سلام")
    async with connect(pool, shards, secret=None, host="127.0.0.1") as client:
        assert (await client.post(PATH, content=body)).status_code == 200
    async with connect(pool, shards, secret=None) as client:
        with capture_logs() as logs:
            assert (await client.post(PATH, content=body)).status_code == 401
    assert "PILITO_INSTAGRAM_APP_SECRET" in str(logs)


async def test_x1_the_verify_token_is_the_one_that_was_set(
    meta: httpx.AsyncClient,
) -> None:
    def ask(token: str) -> dict[str, str]:
        return {
            "hub.mode": "subscribe",
            "hub.verify_token": token,
            "hub.challenge": "1158201444",
        }

    right = await meta.get(PATH, params=ask("verify me"))
    assert (right.status_code, right.text) == (200, "1158201444")
    for params in (ask("guess"), ask(""), ask("é"), {}):
        assert (await meta.get(PATH, params=params)).status_code == 403


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"entry": [}'])
async def test_broken_json_is_400(meta: httpx.AsyncClient, body: bytes) -> None:
    answer = await deliver(meta, body)
    assert answer.status_code == 400
    assert answer.json()["detail"]


async def test_half_an_emoji_in_one_event_never_fails_the_rest(
    meta: httpx.AsyncClient, shards: RecordingShards
) -> None:
    body = webhook(message("m1", "cut HERE"), message("m2", "سلام", "900100200301"))
    answer = await deliver(meta, body.replace(b"HERE", rb"\ud83d"))
    assert answer.status_code == 200
    texts = [event.text for event in shards.events if isinstance(event, CustomerWrote)]
    assert sorted(texts) == ["cut \ufffd", "سلام"]


@pytest.mark.parametrize("body", [b"[]", b"null", b"7", b'{"entry": 7}', b"{}"])
async def test_json_without_events_is_received(
    meta: httpx.AsyncClient, shards: RecordingShards, body: bytes
) -> None:
    assert (await deliver(meta, body)).status_code == 200
    assert shards.events == []


async def test_a_body_over_the_cap_is_refused_unread(meta: httpx.AsyncClient) -> None:
    body = b" " * (MAX_WEBHOOK_BYTES + 1)
    assert (await deliver(meta, body)).status_code == 413

    async def stream() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * (MAX_WEBHOOK_BYTES // 16)

    assert (await meta.post(PATH, content=stream())).status_code == 413


async def test_an_unknown_account_is_received_counted_and_nothing_is_stored(
    meta: httpx.AsyncClient, shards: RecordingShards
) -> None:
    def counted() -> float:
        labels = {"channel": "instagram"}
        return (
            REGISTRY.get_sample_value("webhook_unknown_accounts_total", labels) or 0.0
        )

    before = counted()
    answer = await deliver(meta, text_webhook("4711", SARA, "m1", "سلام"))
    assert answer.status_code == 200
    assert shards.events == []
    assert counted() == before + 1


async def test_a_channel_is_found_by_the_recipient_as_well(
    meta: httpx.AsyncClient, shards: RecordingShards
) -> None:
    entry = {"id": "another id of it", "messaging": [message("m1", "سلام")]}
    answer = await deliver(meta, orjson.dumps({"entry": [entry]}))
    assert answer.status_code == 200
    assert texts(shards) == ["سلام"]


async def test_a_database_that_is_away_makes_meta_come_again(
    pool: Pool, shards: RecordingShards, channel: Channel
) -> None:
    assert channel.account_id == SHOP
    async with connect(pool, shards) as client:
        await pool.close()
        answer = await deliver(client, text_webhook(SHOP, SARA, "m1", "سلام"))
    assert answer.status_code == 503
