"""The intent of a question by its words, and its complexity by hand."""

import pytest

from retrieval.index.knowledge import SourceType
from retrieval.routing import (
    DEFAULT_INTENTS,
    GENERAL,
    Intent,
    QueryRouter,
    query_complexity,
)

SHIPPING = Intent("shipping", ("ارسال", "پیک"), SourceType.FAQ, (), 500, 0)
PRICES = Intent("prices", ("قیمت", "چند تومان"), SourceType.PRODUCTS, (), 500, 0)
REST = Intent("rest", (), SourceType.MANUAL, (), 500, 0)


@pytest.mark.parametrize(
    ("question", "intent"),
    [
        ("ارسال دارید؟", SHIPPING),
        ("قيمت اين كفش؟", PRICES),  # an Arabic keyboard
        ("قیمتش رو می‌گید؟", PRICES),
        ("قیمت‌ها عوض شده؟", PRICES),
        ("این چندتومان شد", PRICES),
        ("پیک دارید؟ هزینه‌ی ارسال و قیمت", SHIPPING),
        ("سلام، باز هستید؟", REST),
        ("", REST),
    ],
)
def test_the_intent_with_the_most_keywords_wins(question: str, intent: Intent) -> None:
    assert QueryRouter([PRICES, SHIPPING, REST]).route(question) is intent


def test_the_earlier_of_two_intents_with_as_many_keywords_wins() -> None:
    question = "قیمت ارسال"
    assert QueryRouter([PRICES, SHIPPING]).route(question) is PRICES
    assert QueryRouter([SHIPPING, PRICES]).route(question) is SHIPPING


def test_a_short_keyword_is_a_whole_word() -> None:
    # «پیک» begins «پیکسل» and is in no question about it.
    assert QueryRouter([SHIPPING]).route("پیکسل صفحه") is GENERAL
    assert QueryRouter([SHIPPING]).route("با پیک؟") is SHIPPING


def test_a_keyword_of_two_words_is_found_however_it_is_spaced() -> None:
    intent = Intent("setup", ("راه‌اندازی",), SourceType.MANUAL, (), 500, 0)
    router = QueryRouter([intent, REST])
    for written in ("راه اندازی", "راه‌اندازی", "راهاندازی", "راه‌اندازیش"):
        assert router.route(f"{written} چطوریه؟") is intent


def test_without_an_intent_for_the_rest_it_is_the_general_one() -> None:
    assert QueryRouter([PRICES]).route("سلام") is GENERAL
    assert QueryRouter([]).route("قیمت") is GENERAL


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("این مدل سایز لارج موجوده؟", "product"),
        ("how much does shipping to Tehran cost? delivery by post?", "order"),
        ("راهنمای نصب دستگاه", "howto"),
        ("آدرس شعبه‌ی اصفهان", "contact"),
        ("سلام وقت بخیر", "general"),
    ],
)
def test_the_defaults_know_common_questions(question: str, name: str) -> None:
    assert QueryRouter().route(question).name == name


@pytest.mark.parametrize("intent", DEFAULT_INTENTS, ids=lambda intent: intent.name)
def test_no_default_intent_leaves_a_source_out(intent: Intent) -> None:
    sources = [intent.primary_source, *intent.secondary_sources]
    assert sorted(sources) == sorted(SourceType)


def test_content_words_count_up_to_a_dozen() -> None:
    # هزینه، ارسال، شیراز: three of twelve, in one clause.
    assert query_complexity("هزینه ارسال به شیراز چقدر است؟") == pytest.approx(
        0.5 * 3 / 12
    )


def test_clauses_beyond_the_first_count_up_to_three() -> None:
    # مانتو، قیمت، رنگ، سایز: four words in four clauses.
    question = "مانتو چنده؟ قیمت؟ رنگ؟ سایز؟"
    assert query_complexity(question) == pytest.approx(0.5 * 4 / 12 + 0.5)


@pytest.mark.parametrize("question", ["", "چقدر؟", "and what is it?"])
def test_a_question_about_nothing_is_simple(question: str) -> None:
    assert query_complexity(question) == 0.0


def test_no_question_is_harder_than_the_hardest() -> None:
    assert query_complexity("مانتو شلوار روسری، " * 50) == 1.0
