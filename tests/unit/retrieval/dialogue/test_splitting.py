"""Two questions in one message are two; what leans on one verb is one."""

import pytest

from retrieval.dialogue import read_burst
from retrieval.dialogue.splitting import asks, split_questions


@pytest.mark.parametrize(
    ("text", "questions"),
    [
        (
            "عسل آویشن چنده و ارسالش به بوشهر چقدر میشه؟",
            ("عسل آویشن چنده", "ارسالش به بوشهر چقدر میشه؟"),
        ),
        (
            "آدرس کلینیک رو بدید، پنجشنبه‌ها تا کی هستید؟",
            ("آدرس کلینیک رو بدید", "پنجشنبه‌ها تا کی هستید؟"),
        ),
        (
            "how much is the tour and does it include lunch?",
            ("how much is the tour", "does it include lunch?"),
        ),
        (
            "toor chande va nahar darid?",
            ("toor chande", "nahar darid?"),
        ),
    ],
)
def test_two_sides_that_both_ask_are_two(text: str, questions: tuple[str, ...]) -> None:
    assert split_questions(text) == questions


@pytest.mark.parametrize(
    "text",
    [
        "گردو و فندق چنده؟",
        "قرمز و زرد دارید؟",
        "چه رنگ و سایزهایی دارید؟",
        "میشه شماره و آدرس بدید؟",
        "کفش رو پوشیدم ولی تنگ بود، عوض می‌کنید؟",
        "برای مهدکودک می‌خوایم، تخفیف می‌دید؟",
        "اگه صبح سفارش بدم، کی می‌رسه؟",
        "شنیدم ارسال رایگان دارید، از چه مبلغی؟",
        "do you have it in red and white?",
        "قیمتش ۱٬۲۰۰٬۰۰۰ بود، الان هم همونه؟",
    ],
)
def test_what_leans_on_one_verb_is_one(text: str) -> None:
    assert split_questions(text) == (text,)


def test_a_sentence_before_a_question_belongs_to_it() -> None:
    spoken = read_burst(["پسرم شش سالشه. کدوم کلاس خوبه براش؟ شهریه چنده؟"])
    assert spoken.questions == (
        "پسرم شش سالشه. کدوم کلاس خوبه براش؟",
        "شهریه چنده؟",
    )


def test_messages_without_a_question_of_their_own_are_its_context() -> None:
    spoken = read_burst(["سلام", "کت چرم مردونه", "سایز ۵۲ دارید؟"])
    assert spoken.questions == ("کت چرم مردونه سایز ۵۲ دارید؟",)


def test_what_is_told_last_belongs_to_the_question_before() -> None:
    spoken = read_burst(["این چنده؟", "همین کت چرم"])
    assert spoken.questions == ("این چنده؟ همین کت چرم",)


def test_what_is_told_of_ones_own_asks_nothing() -> None:
    assert not asks("مادرم فشار خون داره")
    assert asks("پارکینگ داره")
    assert asks("حیاط داره؟")
