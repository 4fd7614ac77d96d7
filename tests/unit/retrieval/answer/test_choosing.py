"""Facts are quoted when one fits for sure; else a name is asked for, or a person."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.answer.choosing import Choice, choose
from retrieval.dialogue.turns import SUBJECTS_JOINED
from tests.unit.retrieval.answer.asking import (
    choose_from,
    chosen,
    facts_of,
    leaning_on,
    rank,
    read,
)
from tests.unit.retrieval.shops import BAKERY, BICYCLES

CAR_WASH = (
    (
        "خدمات",
        "- روشویی: ۱۵۰ هزار تومان\n- نانوشویی: ۴۸۰ هزار تومان\n"
        "- صفرشویی داخل: ۹۰۰ هزار تومان\n",
    ),
    (
        "بایگانی خدمات",
        "- روشویی: ۱۱۰ هزار تومان\n- موتورشویی: ۲۰۰ هزار تومان\n",
    ),
    ("مراجعه", "برای صفرشویی از قبل نوبت بگیرید. کارواش جمعه‌ها هم باز است."),
)
WORDS = ("روشویی", "موتورشویی", "صفرشویی", "قیمت", "چنده", "نوبت", "خدمات", "جمعه", "؟")


@pytest.mark.parametrize(
    ("question", "subjects"),
    [
        ("روشویی چنده؟", ["روشویی"]),
        ("قیمت نانوشویی", ["نانوشویی"]),
        ("قیمت روشویی و نانوشویی؟", ["روشویی", "نانوشویی"]),
        ("روشویی ارزون‌تره یا صفرشویی؟", ["روشویی", "صفرشویی داخل"]),
    ],
)
def test_each_thing_that_is_named_is_answered_for(
    question: str, subjects: list[str]
) -> None:
    assert sorted(chosen(CAR_WASH, question)) == sorted(subjects)


@pytest.mark.parametrize(
    "question",
    [
        pytest.param("قالیشویی می‌کنید؟", id="another service"),
        pytest.param("پولیش سرامیک نانو گلاس چنده؟", id="something like it"),
        pytest.param("موتورشویی چنده؟", id="only an old list has it"),
        pytest.param("استخدام دارید؟", id="another matter"),
    ],
)
def test_what_no_valid_fact_answers_is_for_a_person(question: str) -> None:
    assert choose_from(CAR_WASH, question) == Choice()


def test_of_several_that_fit_the_names_are_asked_for() -> None:
    choice = choose_from(BICYCLES, "قیمت دوچرخه چنده؟")
    assert choice.asks_back
    assert choice.facts == ()
    assert len(choice.options) == 2
    assert all(option.startswith("دوچرخه") for option in choice.options)


@pytest.mark.parametrize("question", ["چنده؟", "قیمتش؟", "چقدر می‌شه؟"])
def test_a_price_of_nothing_is_asked_back(question: str) -> None:
    choice = choose_from(BICYCLES, question)
    assert choice.asks_back
    assert choice.options == ()


def test_the_cheaper_one_is_of_those_that_were_compared() -> None:
    compared = ["دوچرخه کوهستان البرز", "دوچرخه کورسی آذرخش"]
    context = leaning_on(BICYCLES, SUBJECTS_JOINED.join(compared))
    question = "کدوم ارزون‌تره؟"
    (third,) = {
        fact.chunk.chunk_id for fact in facts_of(BICYCLES) if "نسیم" in fact.subject
    }
    ranked = rank(BICYCLES, question, context, {third: 0.99})
    assert "نسیم" in ranked[0].fact.subject
    facts = choose(read(BICYCLES, question), context, ranked).facts
    assert sorted(fact.subject for fact in facts) == sorted(compared)


def test_where_the_business_is_needs_no_name() -> None:
    (fact,) = choose_from(BICYCLES, "آدرستون کجاست؟").facts
    assert "خیابان سعدی" in fact.text


def test_a_price_of_the_thing_spoken_of_is_answered() -> None:
    context = leaning_on(BICYCLES, "دوچرخه شهری نسیم")
    assert chosen(BICYCLES, "قیمتش چنده؟", context) == ["دوچرخه شهری نسیم"]


def test_another_name_takes_the_place_of_the_thing_spoken_of() -> None:
    context = leaning_on(BICYCLES, "دوچرخه شهری نسیم")
    question = "قیمت دوچرخه البرز چنده؟"
    assert chosen(BICYCLES, question, context) == ["دوچرخه کوهستان البرز"]


def test_two_things_of_the_bakery_have_their_two_prices() -> None:
    assert chosen(BAKERY, "نان باگت و نان بربری چنده؟") == ["نان بربری", "نان باگت"]


@given(st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join))
def test_what_is_outdated_is_never_quoted(question: str) -> None:
    choice = choose_from(CAR_WASH, question)
    assert not any(fact.is_outdated for fact in choice.facts)
    assert not (choice.facts and choice.asks_back)
