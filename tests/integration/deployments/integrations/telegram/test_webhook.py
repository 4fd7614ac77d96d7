"""Telegram from end to end: its updates, a real shard, and what it is asked to send."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from actors.clock import SystemClock
from actors.conversation.errors import ShardUnavailableError
from actors.conversation.rules.policy import Policy
from config.settings import Settings
from deployments.integrations.channel_directory import ChannelDirectory
from deployments.integrations.telegram.webhook import MAX_WEBHOOK_BYTES
from deployments.integrations.webhooks import build_webhooks_app
from persistence.channels import ChannelKind
from persistence.customers import CustomerFilter, fetch_customers_page
from persistence.database import Pool
from persistence.paging import Window
from persistence.secrets import Cipher
from tests.support.conversation.shards import RecordingShards
from tests.support.servers.scripted_server import HangUp
from tests.support.servers.telegram_server import (
    TelegramServer,
    build_message,
    refusal,
    too_many,
    update,
)
from tests.support.telegram import (
    TelegramShop,
    fetch_texts,
    new_bot,
    running_shop,
)
from tests.support.waiting import wait_for_count
from tests.support.website import CIPHER, add_channel, add_shop

SENT = "SELECT count(*) FROM outbox WHERE delivery = 'sent'"
#: So long that no answer comes between.
PATIENT = Policy(reply_debounce=timedelta(hours=1))
SECRET = new_bot().tokens.webhook_secret or ""


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with TelegramServer() as telegram:
        yield telegram


@pytest.fixture
async def shop(pool: Pool, telegram: TelegramServer) -> AsyncIterator[TelegramShop]:
    async with running_shop(pool, telegram) as shop:
        yield shop


async def test_a_question_is_answered(shop: TelegramShop) -> None:
    assert await shop.deliver(update(1, text="پیراهن آبی دارید؟")) == [200]
    await wait_for_count(shop.pool, SENT, 1)
    (sent,) = shop.telegram.sends
    assert sent.payload["chat_id"] == 7001
    assert sent.text == shop.answerer.text
    row = await shop.pool.fetchrow("SELECT * FROM messages WHERE type = 'AI'")
    assert row is not None
    assert row["delivery"] == "sent"
    assert row["platform_id"].startswith("123456789:")


async def test_d1_an_update_that_comes_again_is_stored_and_answered_once(
    shop: TelegramShop,
) -> None:
    question = update(1, text="سلام")
    assert await shop.deliver(question, question) == [200, 200]
    await wait_for_count(shop.pool, SENT, 1)
    assert await shop.deliver(question) == [200]
    assert await fetch_texts(shop.pool, shop.channel.tenant_id) == ["سلام"]
    assert len(shop.answerer.jobs) == 1


async def test_updates_out_of_order_are_stored_and_asked_in_order(
    pool: Pool, telegram: TelegramServer
) -> None:
    numbers = [103, 101, 105, 102, 104]
    async with running_shop(pool, telegram, PATIENT) as shop:
        await shop.deliver(*(update(one, text=str(one)) for one in numbers))
        texts = await fetch_texts(pool, shop.channel.tenant_id)
    assert texts == ["101", "102", "103", "104", "105"]
    assert await fetch_asked(pool) == texts


async def test_updates_at_once_are_stored_in_order_as_well(
    pool: Pool, telegram: TelegramServer
) -> None:
    async with running_shop(pool, telegram, PATIENT) as shop:
        await asyncio.gather(
            *(shop.deliver(update(one, text=str(one))) for one in range(12, 0, -1))
        )
        texts = await fetch_texts(pool, shop.channel.tenant_id)
    assert texts == [str(one) for one in range(1, 13)]
    assert await fetch_asked(pool) == texts


async def fetch_asked(pool: Pool) -> list[str]:
    """Fetch what waits for an answer, in the order in which it will be asked."""
    state = await pool.fetchval("SELECT state FROM conversations")
    return [
        await pool.fetchval("SELECT content FROM messages WHERE id = $1", UUID(one))
        for one in state["questions"]
    ]


async def test_a_rate_limit_delays_and_loses_nothing(shop: TelegramShop) -> None:
    shop.telegram.answer_next(too_many(1))
    await shop.deliver(update(1, text="سلام"))
    await wait_for_count(shop.pool, SENT, 1)
    assert shop.telegram.texts == [shop.answerer.text]
    assert len(shop.telegram.sends) == 2


async def test_d5_a_lost_answer_is_not_sent_twice_and_a_person_is_called(
    shop: TelegramShop,
) -> None:
    shop.telegram.answer_next(HangUp())
    await shop.deliver(update(1, text="سلام"))
    unknown = "SELECT count(*) FROM messages WHERE type = 'AI' AND delivery = 'unknown'"
    await wait_for_count(shop.pool, unknown, 1)
    assert await shop.pool.fetchval("SELECT needs_operator FROM conversations")
    # The next answer finds its way; the lost one is not sent along.
    await shop.deliver(update(2, text="و این؟"))
    await wait_for_count(shop.pool, SENT, 1)
    assert len(shop.telegram.sends) == 2


async def test_d5_a_long_answer_comes_in_parts_that_telegram_takes(
    shop: TelegramShop,
) -> None:
    shop.answerer.text = "گل 🌷 " * 1500
    await shop.deliver(update(1, text="سلام"))
    await wait_for_count(shop.pool, SENT, 3)
    parts = shop.telegram.texts
    assert all(len(part.encode("utf-16-le")) // 2 <= 4096 for part in parts)
    assert " ".join(parts).split() == shop.answerer.text.split()


async def test_a_customer_who_blocked_the_bot_is_a_dead_letter(
    shop: TelegramShop,
) -> None:
    shop.telegram.answer_next(refusal(403, "Forbidden: bot was blocked by the user"))
    await shop.deliver(update(1, text="سلام"))
    failed = "SELECT count(*) FROM outbox WHERE delivery = 'failed'"
    await wait_for_count(shop.pool, failed, 1)
    assert len(shop.telegram.sends) == 1
    error = await shop.pool.fetchval("SELECT error FROM outbox")
    assert "blocked by the user" in error


async def fetch_names(shop: TelegramShop) -> tuple[str, str, str]:
    row = await shop.pool.fetchrow("SELECT * FROM customers")
    assert row is not None
    return row["first_name"], row["last_name"], row["username"]


async def test_a_customer_is_called_what_telegram_calls_them(
    shop: TelegramShop,
) -> None:
    await shop.deliver(update(1))
    assert await fetch_names(shop) == ("سارا", "احمدی", "sara")
    found = await fetch_customers_page(
        shop.pool, shop.channel.tenant_id, CustomerFilter(words="احمدي"), Window(10)
    )
    assert [customer.username for customer in found.rows] == ["sara"]


async def test_a_name_that_an_operator_wrote_stays(shop: TelegramShop) -> None:
    await shop.deliver(update(1))
    await shop.pool.execute("UPDATE customers SET first_name = 'خانم احمدی'")
    person = {"id": 7001, "first_name": "Sara", "username": "sara_a"}
    message = {**build_message(2, 7001, text="x"), "from": person}
    await shop.deliver({"update_id": 2, "message": message}, update(3))
    assert await fetch_names(shop) == ("خانم احمدی", "احمدی", "sara")


async def test_a_customer_who_was_nameless_gets_a_name(shop: TelegramShop) -> None:
    nameless = {**build_message(1, 7001, text="x"), "from": {"id": 7001}}
    await shop.deliver({"update_id": 1, "message": nameless})
    assert await fetch_names(shop) == ("", "", "")
    await shop.deliver(update(2))
    assert await fetch_names(shop) == ("سارا", "احمدی", "sara")


async def test_an_edited_message_says_what_it_says_now(shop: TelegramShop) -> None:
    edit = build_message(1, 7001, text="سایز لارج دارید؟", edit_date=1)
    await shop.deliver(
        update(1, text="سایز مدیوم دارید؟"), {"update_id": 2, "edited_message": edit}
    )
    texts = await fetch_texts(shop.pool, shop.channel.tenant_id)
    assert texts == ["سایز لارج دارید؟"]


async def test_what_was_edited_before_we_were_there_is_received(
    shop: TelegramShop,
) -> None:
    edit = build_message(1, 7001, text="x", edit_date=1)
    assert await shop.deliver({"update_id": 2, "edited_message": edit}) == [200]
    assert await fetch_texts(shop.pool, shop.channel.tenant_id) == []


async def test_an_edit_that_overtakes_its_message_is_not_lost(
    shop: TelegramShop,
) -> None:
    now = int(SystemClock().now().timestamp())
    first = build_message(1, 7001, text="مانتو دارید؟", date=now, edit_date=now)
    other = build_message(3, 7001, text="شال دارید؟", date=now, edit_date=now)
    answers = await shop.deliver(
        {"update_id": 2, "edited_message": first},
        update(1, text="مانتوو دارید؟"),
        {"update_id": 4, "edited_message": other},
        update(3, text="شال داریدد؟"),
    )
    assert answers == [200] * 4
    texts = await fetch_texts(shop.pool, shop.channel.tenant_id)
    assert sorted(texts) == sorted(["مانتو دارید؟", "شال دارید؟"])


async def test_of_two_edits_the_later_counts_whatever_comes_first(
    shop: TelegramShop,
) -> None:
    now = int(SystemClock().now().timestamp())
    edits = [
        {
            "update_id": number,
            "edited_message": build_message(
                1, 7001, text=f"edit {number}", date=now, edit_date=now + seconds
            ),
        }
        # Within a second updates count; a later second counts more than they do.
        for number, seconds in ((4, 5), (3, 5), (900, 1), (2, 9), (5, 5))
    ]
    await shop.deliver(update(1, text="first"), *edits)
    texts = await fetch_texts(shop.pool, shop.channel.tenant_id)
    assert texts == ["edit 2"]


async def test_a_photo_is_kept_by_its_id(shop: TelegramShop) -> None:
    await shop.deliver(
        update(1, photo=[{"file_id": "small"}, {"file_id": "large"}], caption="این؟")
    )
    row = await shop.pool.fetchrow("SELECT * FROM messages WHERE type = 'customer'")
    assert row is not None
    assert (row["message_type"], row["content"]) == ("image", "این؟")
    (media,) = row["metadata"]["media"]
    assert media["media_id"] == "large"


async def test_other_kinds_and_groups_never_fail_the_rest(shop: TelegramShop) -> None:
    group = build_message(2, 7001, text="x")
    answers = await shop.deliver(
        {"update_id": 1, "poll": {"id": "1"}},
        {"update_id": 2, "message": {**group, "chat": {"id": -5, "type": "group"}}},
        {"update_id": 3, "message": "nonsense"},
        {},
        [],
        update(4, pinned_message={}),
        update(5, text="سلام"),
    )
    assert answers == [200] * 7
    assert await fetch_texts(shop.pool, shop.channel.tenant_id) == ["سلام"]


# From here on no conversation is needed: what gets in, and what does not.


@pytest.fixture
def shards() -> RecordingShards:
    return RecordingShards()


def connect(
    pool: Pool, shards: RecordingShards, cipher: Cipher | None = CIPHER
) -> httpx.AsyncClient:
    app = build_webhooks_app(
        Settings(), shards, ChannelDirectory(pool), SystemClock(), cipher=cipher
    )
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://pilito.test")


async def add_bot(pool: Pool) -> str:
    """Add a bot's channel; return the path of its webhook."""
    shop = await add_shop(pool, ChannelKind.WEBSITE, "site")
    channel = await add_channel(pool, shop.tenant_id, new_bot())
    return f"/webhooks/telegram/{channel.id}/"


def secret(value: str = SECRET) -> dict[str, str]:
    return {"X-Telegram-Bot-Api-Secret-Token": value}


async def test_x1_a_wrong_or_missing_secret_is_refused(
    pool: Pool, shards: RecordingShards
) -> None:
    path = await add_bot(pool)
    async with connect(pool, shards) as client:
        for headers in ({}, secret("guess"), secret(""), secret(SECRET[:-1])):
            answer = await client.post(path, json=update(1), headers=headers)
            assert answer.status_code == 401
        assert shards.events == []
        right = await client.post(path, json=update(1), headers=secret())
    assert (right.status_code, len(shards.events)) == (200, 1)


@pytest.mark.parametrize("cipher", [None, Cipher("another key")])
async def test_x1_nobody_is_believed_when_the_secret_can_not_be_read(
    pool: Pool, shards: RecordingShards, cipher: Cipher | None
) -> None:
    path = await add_bot(pool)
    async with connect(pool, shards, cipher) as client:
        for value in (SECRET, ""):
            answer = await client.post(path, json=update(1), headers=secret(value))
            assert answer.status_code == 401
    assert shards.events == []


async def test_an_unknown_channel_is_received_and_nothing_is_stored(
    pool: Pool, shards: RecordingShards
) -> None:
    site = await add_shop(pool, ChannelKind.WEBSITE, "another site")
    async with connect(pool, shards) as client:
        for channel_id in (uuid4(), UUID(int=0), site.id):
            path = f"/webhooks/telegram/{channel_id}/"
            answer = await client.post(path, json=update(1), headers=secret())
            assert answer.status_code == 200
        stray = await client.post("/webhooks/telegram/no-id/", json=update(1))
        assert stray.status_code == 404
    assert shards.events == []


async def test_d2_what_was_not_stored_is_never_answered_200(
    pool: Pool, shards: RecordingShards
) -> None:
    path = await add_bot(pool)
    shards.fault = lambda _: ShardUnavailableError()
    async with connect(pool, shards) as client:
        answer = await client.post(path, json=update(1), headers=secret())
        assert answer.status_code == 503
        # Telegram waits as long as it is told before it comes again.
        assert int(answer.headers["retry-after"]) >= 1
        shards.fault = lambda _: None
        again = await client.post(path, json=update(1), headers=secret())
    assert (again.status_code, len(shards.events)) == (200, 1)


async def test_broken_bodies_are_refused(pool: Pool, shards: RecordingShards) -> None:
    path = await add_bot(pool)
    async with connect(pool, shards) as client:
        for body in (b"", b"{", b"\xff"):
            answer = await client.post(path, content=body, headers=secret())
            assert answer.status_code == 400
        large = b" " * (MAX_WEBHOOK_BYTES + 1)
        answer = await client.post(path, content=large, headers=secret())
        assert answer.status_code == 413


async def test_the_answer_gives_telegram_nothing_to_do(
    pool: Pool, shards: RecordingShards
) -> None:
    path = await add_bot(pool)
    async with connect(pool, shards) as client:
        answer = await client.post(path, json=update(1), headers=secret())
    # Telegram takes a body with a `method` for a call to make.
    assert answer.content == b""
