"""What a customer can send besides words: a placeholder, with what matters of it."""

import pytest

from actors.conversation.events import CustomerWrote, Media
from actors.conversation.rules.placeholders import has_placeholder
from actors.conversation.state import MessageType
from deployments.integrations.telegram.content import Content, read_content
from deployments.integrations.telegram.presses import read_press
from deployments.integrations.telegram.reading import build_event
from tests.unit.deployments.integrations.telegram.test_reading import (
    AT,
    CHANNEL,
    SARA,
    read,
    read_message,
)

PAID = {
    "currency": "XTR",
    "total_amount": 120,
    "invoice_payload": "order-17",
    "telegram_payment_charge_id": "c1",
    "provider_payment_charge_id": "p1",
}
LOCAL = {"currency": "IRR", "total_amount": 980000, "invoice_payload": "o"}
HOME = {"city": "شیراز", "street_line1": "خیابان ارم", "post_code": "71946"}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"successful_payment": PAID}, "[پرداخت موفق] 120 XTR order-17"),
        ({"refunded_payment": PAID}, "[بازگشت وجه] 120 XTR order-17"),
        (
            {"successful_payment": {**LOCAL, "order_info": {"name": "سارا"}}},
            "[پرداخت موفق] 980000 IRR (به کوچک‌ترین واحد پول) o سارا",
        ),
        (
            {"web_app_data": {"data": '{"size":"42"}', "button_text": "ثبت سفارش"}},
            '[فرم ارسال‌شده] ثبت سفارش\n{"size":"42"}',
        ),
        (
            {"users_shared": {"users": [{"user_id": 7, "first_name": "رضا"}]}},
            "[معرفی مخاطب] رضا 7",
        ),
        ({"users_shared": {"user_ids": [7, 8]}}, "[معرفی مخاطب] 7 8"),
        (
            {"chat_shared": {"chat_id": -5, "title": "گروه"}},
            "[معرفی گروه یا کانال] گروه -5",
        ),
        (
            {"gift": {"gift": {"id": "g", "star_count": 50}, "text": "تولدت مبارک"}},
            "[هدیه] 50 XTR تولدت مبارک",
        ),
        ({"unique_gift": {"gift": {"name": "Rose-12"}}}, "[هدیه] Rose-12"),
        (
            {
                "poll": {
                    "question": "کدوم رنگ؟",
                    "options": [{"text": "کرم"}, {"text": "سبز"}],
                }
            },
            "[نظرسنجی] کدوم رنگ؟\n- کرم\n- سبز",
        ),
        (
            {"checklist": {"title": "خرید", "tasks": [{"id": 1, "text": "مانتو"}]}},
            "[فهرست کارها] خرید\n- مانتو",
        ),
        (
            {
                "checklist_tasks_done": {
                    "checklist_message": {
                        "checklist": {"tasks": [{"id": 1, "text": "مانتو"}]}
                    },
                    "marked_as_done_task_ids": [1],
                    "marked_as_not_done_task_ids": [2],
                }
            },
            "[تغییر فهرست کارها]\n- ✓ مانتو\n- ✗ 2",
        ),
        (
            {"story": {"chat": {"id": -1, "username": "avin"}, "id": 4}},
            "[استوری] https://t.me/avin/s/4",
        ),
        ({"game": {"title": "مار"}}, "[بازی] مار"),
        ({"location": {}}, "[موقعیت مکانی]"),
        ({"passport_data": {"data": [{"type": "secret"}]}}, "[مدارک هویتی]"),
        ({"giveaway": {"prize_description": "شال"}}, "[قرعه‌کشی] شال"),
    ],
)
def test_what_is_no_text_is_named_with_its_figures(
    content: dict[str, object], text: str
) -> None:
    found = read_message(**content)
    assert found.text == text
    assert has_placeholder(text)


def test_a_live_photo_is_a_picture() -> None:
    live = {"file_id": "v", "photo": [{"file_id": "p"}]}
    found = read_message(live_photo=live, photo=[{"file_id": "p"}], caption="این؟")
    assert found.text == "این؟"
    assert found.media == (Media(MessageType.IMAGE, media_id="v"),)


def test_paid_media_keep_their_files() -> None:
    paid = {
        "star_count": 5,
        "paid_media": [
            {"type": "photo", "photo": [{"file_id": "p"}]},
            {"type": "preview", "width": 5},
        ],
    }
    media = (Media(MessageType.IMAGE, media_id="p"),)
    content = read_content({"paid_media": paid})
    assert content == Content("[رسانه‌ی پولی] 5 XTR", MessageType.TEXT, media)


@pytest.mark.parametrize("member", ["paid_media", "hologram"])
def test_the_caption_of_what_is_not_shown_is_kept(member: str) -> None:
    found = read_message(**{member: {}, "caption": "این چنده؟"})
    assert found.text.endswith("\nاین چنده؟")
    assert has_placeholder(found.text)


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("[تصویر]", True),
        ("سلام\n[ویدئو]", True),
        ("[پرداخت موفق] 120 XTR", True),
        ("[پرداخت موفق]های من کجاست؟", False),
        ("سلام", False),
        ("", False),
    ],
)
def test_only_what_stands_for_something_unreadable_needs_a_person(
    text: str, calls: bool
) -> None:
    assert has_placeholder(text) is calls


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("callback_query", {"data": "قیمت مانتو"}, "قیمت مانتو"),
        ("callback_query", {"data": "17:2"}, "[دکمه] 17:2"),
        ("callback_query", {"game_short_name": "snake"}, "[دکمه] snake"),
        ("pre_checkout_query", PAID, "[درخواست پرداخت] 120 XTR order-17"),
        (
            "shipping_query",
            {"invoice_payload": "o", "shipping_address": HOME},
            "[نشانی ارسال سفارش] o شیراز خیابان ارم 71946",
        ),
        (
            "purchased_paid_media",
            {"paid_media_payload": "clip"},
            "[خرید رسانه‌ی پولی] clip",
        ),
        (
            "subscription",
            {"invoice_payload": "club", "state": "canceled"},
            "[اشتراک] club canceled",
        ),
        ("poll_answer", {"option_ids": [0, 2]}, "[رأی در نظرسنجی] 1 3"),
        ("message_reaction", {"new_reaction": [{"emoji": "👍"}]}, "[واکنش] 👍"),
        ("message_reaction", {"new_reaction": []}, "[واکنش] برداشته شد"),
    ],
)
def test_what_is_done_without_a_message_is_put_into_words(
    name: str, value: dict[str, object], text: str
) -> None:
    press = read_press(name, value)
    assert press.text == text
    assert press.is_note is (name == "message_reaction")


def test_a_pressed_button_is_what_it_says_beside_its_message() -> None:
    keyboard = [[{"text": "سایزها", "callback_data": "s:1"}], 7]
    query = {
        "id": "q1",
        "from": {"id": SARA, "first_name": "سارا"},
        "data": "s:1",
        "message": {
            "message_id": 12,
            "chat": {"id": SARA, "type": "private"},
            "text": "مانتو لینن آوین",
            "reply_markup": {"inline_keyboard": keyboard},
        },
    }
    found = read({"update_id": 9, "callback_query": query})
    assert not isinstance(found, str)
    assert (found.text, found.callback_query_id) == ("سایزها", "q1")
    event = build_event(CHANNEL, found, AT)
    assert isinstance(event, CustomerWrote)
    assert (event.mid, event.reply_to_mid) == ("123456789:update:9", "123456789:12")
    assert event.referred == "مانتو لینن آوین"


def test_a_press_in_a_group_is_no_customers() -> None:
    group = {"message": {"chat": {"id": -5, "type": "group"}}}
    query = {"from": {"id": SARA}, **group}
    assert read({"update_id": 9, "callback_query": query}) == "group"
    assert read({"update_id": 9, "callback_query": {"from": {"is_bot": True}}}) == (
        "self"
    )


@pytest.mark.parametrize("text", ["/help", "/settings@avin_bot", "/start product_42"])
def test_a_command_is_stored_with_its_payload(text: str) -> None:
    entities = [{"type": "bot_command", "offset": 0, "length": 5}]
    assert read_message(text=text, entities=entities).text == text
