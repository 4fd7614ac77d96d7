"""What customers do on Telegram, from the update to what is stored and sent."""

from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import pytest

from persistence.database import Pool
from tests.support.servers.telegram_server import (
    TOKEN,
    TelegramServer,
    build_message,
    refusal,
    update,
)
from tests.support.telegram import TelegramShop, fetch_texts, running_shop
from tests.support.waiting import wait_for_count

SENT = "SELECT count(*) FROM outbox WHERE delivery = 'sent'"
COAT = "مانتو لینن آوین در رنگ‌های کرم، سبز و مشکی موجود است."
RICH = {
    "blocks": [
        {"type": "heading", "text": "ارسال", "size": 2},
        {
            "type": "paragraph",
            "text": ["هزینه ", {"type": "bold", "text": "ارسال"}, " چقدره؟"],
        },
    ]
}
PAID = {"currency": "XTR", "total_amount": 120, "invoice_payload": "order-17"}


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with TelegramServer() as telegram:
        yield telegram


@pytest.fixture
async def shop(pool: Pool, telegram: TelegramServer) -> AsyncIterator[TelegramShop]:
    async with running_shop(pool, telegram) as shop:
        yield shop


async def texts_of(shop: TelegramShop) -> list[str]:
    return await fetch_texts(shop.pool, shop.channel.tenant_id)


async def test_y4_nothing_that_a_customer_did_is_answered_200_and_lost(
    shop: TelegramShop,
) -> None:
    form = {"data": '{"size":"42"}', "button_text": "ثبت سفارش"}
    deeds = [
        update(1, 1, rich_message=RICH),
        update(2, 2, successful_payment=PAID),
        update(3, 3, gift={"gift": {"id": "g", "star_count": 50}}),
        update(4, 4, web_app_data=form),
        update(5, 5, users_shared={"user_ids": [7]}),
        update(6, 6, live_photo={"file_id": "v"}),
        update(7, 7, hologram={"to": "come"}),
        {"update_id": 8, "callback_query": press(8, "سایزها")},
    ]
    assert await shop.deliver(*deeds) == [200] * len(deeds)
    assert sorted(await texts_of(shop)) == sorted(
        [
            "ارسال\nهزینه ارسال چقدره؟",
            "[پرداخت موفق] 120 XTR order-17",
            "[هدیه] 50 XTR",
            '[فرم ارسال‌شده] ثبت سفارش\n{"size":"42"}',
            "[معرفی مخاطب] 7",
            "[تصویر]",
            "[پیام ناشناخته از نوع hologram]",
            "سایزها",
        ]
    )
    # Each is a question that is answered, or that a person is called for.
    await wait_for_count(shop.pool, SENT, len(deeds))


async def test_an_edited_formatted_message_is_read_as_well(shop: TelegramShop) -> None:
    edited = build_message(1, 7001, rich_message=RICH, edit_date=5)
    await shop.deliver(
        update(1, text="هزینه؟"), {"update_id": 2, "edited_message": edited}
    )
    assert await texts_of(shop) == ["ارسال\nهزینه ارسال چقدره؟"]


async def test_what_is_replied_to_goes_beside_the_question(shop: TelegramShop) -> None:
    answered = {"message_id": 900, "text": COAT}
    await shop.deliver(update(1, text="این چنده؟", reply_to_message=answered))
    await wait_for_count(shop.pool, SENT, 1)
    (job,) = shop.answerer.jobs
    assert (job.share, job.is_post) == (COAT, False)
    row = await shop.pool.fetchrow("SELECT * FROM messages WHERE type = 'customer'")
    assert row is not None
    assert COAT in row["combined_content"]
    metadata = row["metadata"]
    assert metadata == {"referred": COAT, "reply_to_mid": "123456789:900"}


async def test_a_topic_is_answered_in_the_topic(shop: TelegramShop) -> None:
    topic = {"message_thread_id": 5, "is_topic_message": True}
    await shop.deliver(update(1, **topic, text="سلام"))
    await wait_for_count(shop.pool, SENT, 1)
    (sent,) = shop.telegram.sends
    assert sent.payload["message_thread_id"] == 5


async def test_a_topic_that_is_gone_is_answered_in_the_chat(
    shop: TelegramShop,
) -> None:
    shop.telegram.answer_next(refusal(400, "Bad Request: message thread not found"))
    topic = {"message_thread_id": 5, "is_topic_message": True}
    await shop.deliver(update(1, **topic, text="سلام"))
    await wait_for_count(shop.pool, SENT, 1)
    threads = [sent.payload.get("message_thread_id") for sent in shop.telegram.sends]
    assert threads == [5, None]


async def test_a_message_to_the_owners_account_is_answered_from_it(
    shop: TelegramShop,
) -> None:
    message = build_message(73, 7001, text="سلام", business_connection_id="bc1")
    await shop.deliver({"update_id": 1, "business_message": message})
    await wait_for_count(shop.pool, SENT, 1)
    (sent,) = shop.telegram.sends
    assert sent.payload["business_connection_id"] == "bc1"
    mid = await shop.pool.fetchval("SELECT platform_id FROM messages WHERE type = 'AI'")
    assert mid.startswith("123456789:bc1:")


async def test_what_the_owner_writes_there_silences_the_ai(shop: TelegramShop) -> None:
    owner = {"id": 42, "is_bot": False, "first_name": "آوین"}
    message = build_message(73, 7001, text="خودم جواب می‌دم", business_connection_id="b")
    answered = {**message, "from": owner}
    await shop.deliver({"update_id": 1, "business_message": answered})
    row = await shop.pool.fetchrow("SELECT status, needs_operator FROM conversations")
    assert row is not None
    assert row["status"] == "support_active"
    deleted = {
        "business_connection_id": "b",
        "chat": message["chat"],
        "message_ids": [73],
    }
    await shop.deliver({"update_id": 2, "deleted_business_messages": deleted})
    stored = await shop.pool.fetchrow("SELECT type, content FROM messages")
    assert stored is not None
    assert (stored["type"], stored["content"]) == ("support", "")


async def test_an_album_is_one_message_with_all_its_pictures(
    shop: TelegramShop,
) -> None:
    pictures = [
        update(
            number,
            photo=[{"file_id": f"p{number}"}],
            caption="کدوم موجوده؟" if number == 1 else "",
            media_group_id="77",
        )
        for number in (1, 2, 3)
    ]
    await shop.deliver(*pictures, pictures[1])
    rows = await shop.pool.fetch("SELECT * FROM messages WHERE type = 'customer'")
    (row,) = rows
    metadata = row["metadata"]
    assert [one["media_id"] for one in metadata["media"]] == ["p1", "p2", "p3"]
    assert row["content"] == "کدوم موجوده؟"
    assert "edited" not in metadata
    await wait_for_count(shop.pool, SENT, 1)
    await shop.deliver(update(9, photo=[{"file_id": "p9"}], media_group_id="77"))
    metadata = await shop.pool.fetchval(
        "SELECT metadata FROM messages WHERE type = 'customer'"
    )
    assert len(metadata["media"]) == 4
    assert len(shop.answerer.jobs) == 1


async def test_an_edit_after_the_answer_is_answered_once(shop: TelegramShop) -> None:
    await shop.deliver(update(1, text="قیمت مانتو؟"))
    await wait_for_count(shop.pool, SENT, 1)
    edited = build_message(1, 7001, text="قیمت شال؟", edit_date=5)
    again = build_message(1, 7001, text="قیمت شال؟", edit_date=6)
    await shop.deliver(
        {"update_id": 2, "edited_message": edited},
        {"update_id": 3, "edited_message": again},
    )
    await wait_for_count(shop.pool, SENT, 2)
    await shop.deliver({"update_id": 4, "edited_message": {**again, "edit_date": 7}})
    assert len(shop.answerer.jobs) == 2


async def test_a_reaction_is_stored_and_answered_by_nobody(shop: TelegramShop) -> None:
    reaction = {
        "chat": {"id": 7001, "type": "private"},
        "message_id": 3,
        "user": {"id": 7001, "is_bot": False, "first_name": "سارا"},
        "new_reaction": [{"type": "emoji", "emoji": "👍"}],
    }
    await shop.deliver({"update_id": 1, "message_reaction": reaction})
    assert await texts_of(shop) == ["[واکنش] 👍"]
    timers = await shop.pool.fetchval(
        "SELECT count(*) FROM timers WHERE kind = 'reply'"
    )
    assert timers == 0


def press(chat: int, label: str) -> dict[str, object]:
    """Build a pressed button that says `label`."""
    keyboard = [[{"text": label, "callback_data": "s:1"}]]
    message = build_message(12, chat, text="مانتو لینن آوین")
    return {
        "id": "q-1",
        "from": message["from"],
        "data": "s:1",
        "message": {**message, "reply_markup": {"inline_keyboard": keyboard}},
    }


async def test_a_pressed_button_is_acknowledged_by_the_answer_itself(
    shop: TelegramShop,
) -> None:
    webhook = shop.telegram.webhooks[TOKEN]
    answer = await shop.client.post(
        urlsplit(str(webhook["url"])).path,
        json={"update_id": 1, "callback_query": press(7001, "سایزها")},
        headers={"X-Telegram-Bot-Api-Secret-Token": str(webhook["secret_token"])},
    )
    assert answer.status_code == 200
    assert answer.json() == {
        "method": "answerCallbackQuery",
        "callback_query_id": "q-1",
    }
    await wait_for_count(shop.pool, SENT, 1)
    (job,) = shop.answerer.jobs
    assert job.share == "مانتو لینن آوین"
