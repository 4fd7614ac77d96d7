"""Greetings, thanks and goodbyes are answered in kind; a question never is."""

import pytest

from config.prompts import FAREWELL, GREETING, WELCOME
from deployments.answers.small_talk import drop_small_talk, reply_to_small_talk

GREETINGS = (
    "سلام",
    "سلام!",
    "سلاااام",
    "سلام وقتتون بخیر",
    "سلام وقت شما بخیر",
    "سلام خسته نباشید",
    "سلام، خوب هستید؟",
    "درود بر شما",
    "صبح بخیر",
    "Hi",
    "hello!",
    "Good morning",
    "hi, how are you?",
)
THANKS = (
    "ممنون",
    "مرسی 🌹",
    "خیلی ممنونم از شما",
    "ممنون از راهنماییتون",
    "دستتون درد نکنه",
    "باشه ممنون",
    "اوکی",
    "Thanks!",
    "thank you so much",
    "ok, thanks",
    "👍",
    "❤️",
)
FAREWELLS = ("خداحافظ", "ممنون خدانگهدار", "روز خوش", "bye", "ok bye")
QUESTIONS = (
    "سلام هزینه ارسال چقدره؟",
    "ممنون، فقط بگید کی می‌رسه",
    "سلام خوبه جنسش؟",
    "چطوری پس بدم",
    "خوب هست؟",
    "شب ارسال می‌کنید؟",
    "روز جمعه بازید؟",
    "چه خبر از سفارشم",
    "عزیزم سایز ۳۸ داری",
    "Hi, do you ship to Shiraz?",
    "is it ok to wash it at 40?",
    "؟",
    "👍؟",
    "😡",
    "??",
    "",
    "۱۲۳۴۵",
)


@pytest.mark.parametrize("text", GREETINGS)
def test_a_greeting_is_returned(text: str) -> None:
    assert reply_to_small_talk(text, "fa") == GREETING["fa"]
    assert reply_to_small_talk(text, "en") == GREETING["en"]


@pytest.mark.parametrize("text", THANKS)
def test_thanks_are_welcomed(text: str) -> None:
    assert reply_to_small_talk(text, "fa") == WELCOME["fa"]


@pytest.mark.parametrize("text", FAREWELLS)
def test_a_goodbye_is_returned(text: str) -> None:
    assert reply_to_small_talk(text, "fa") == FAREWELL["fa"]


@pytest.mark.parametrize("text", QUESTIONS)
def test_a_question_is_no_small_talk(text: str) -> None:
    assert reply_to_small_talk(text, "fa") is None


def test_a_burst_is_asked_without_its_greeting() -> None:
    assert drop_small_talk(("سلام", "هزینه ارسال چقدره؟", "ممنون")) == (
        "هزینه ارسال چقدره؟",
    )


def test_a_burst_of_small_talk_alone_stays_as_it_is() -> None:
    assert drop_small_talk(("سلام", "ممنون")) == ("سلام", "ممنون")


@pytest.mark.parametrize("text", ["/start", "/start@shop_bot", "/start from_insta-7"])
def test_who_opens_a_bot_is_greeted(text: str) -> None:
    assert reply_to_small_talk(text, "fa") == GREETING["fa"]


def test_a_question_behind_a_command_is_a_question() -> None:
    assert reply_to_small_talk("/start قیمت این چنده؟", "fa") is None
