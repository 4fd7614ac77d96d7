"""The words of a question tell what kind of value answers it."""

import pytest

from retrieval.query.kinds import (
    ValueKind,
    asks_barely,
    asks_until,
    compares,
    is_asking_verb,
    is_attribute_word,
    is_vague,
    kinds_of,
    read_excluded,
)
from retrieval.query.terms import make_term, read_words


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("قیمتش", ValueKind.PRICE),
        ("اجرت", ValueKind.PRICE),
        ("ساعت", ValueKind.TIME),
        ("تخفیف", ValueKind.PERCENT),
        ("تلفنتون", ValueKind.PHONE),
        ("کجاست", ValueKind.PLACE),
        ("ادرستون", ValueKind.ADDRESS),
    ],
)
def test_a_word_asks_for_a_kind_with_its_endings_too(
    word: str, kind: ValueKind
) -> None:
    assert kinds_of(word) == {kind}


def test_the_name_of_a_thing_asks_for_no_kind() -> None:
    assert kinds_of("دوچرخه") == set()


@pytest.mark.parametrize(
    ("text", "is_bare"),
    [
        ("کت و شلوار چنده؟", True),
        ("روشویی چقدره؟", True),
        ("چند نفر کار می‌کنید؟", False),
        ("کت رو چند می‌دوزید؟", True),
        ("رنگش چقدر می‌ماند؟", False),
        ("روشویی دارید؟", False),
    ],
)
def test_how_much_alone_is_told_from_how_many_of_something(
    text: str,
    is_bare: bool,
) -> None:
    assert asks_barely(read_words(text)) is is_bare


@pytest.mark.parametrize(
    ("text", "is_until"),
    [
        ("تا چند بازید؟", True),
        ("تا چند هستید", True),
        ("از چند می‌فروشید", True),
        ("از چنده؟", False),
        ("تا خونه چقدر راهه", False),
    ],
)
def test_until_how_much_is_said_of_the_clock(
    text: str,
    is_until: bool,
) -> None:
    assert asks_until(read_words(text)) is is_until


@pytest.mark.parametrize(
    "text",
    ["فرق روشویی و نانوشویی چیه", "کدومش ارزون‌تره", "شست‌وشوی ساده بهتره یا کامل"],
)
def test_a_comparison_is_heard(text: str) -> None:
    assert compares(read_words(text))


def test_a_plain_question_compares_nothing() -> None:
    assert not compares(read_words("روشویی چنده"))


@pytest.mark.parametrize(
    ("text", "excluded"),
    [
        ("روشویی می‌خوام، نانوشویی نه", ["نانوشویی"]),
        ("همه به جز موتورشویی", ["موتورشویی"]),
        ("شست‌وشوی کامل دارید؟", []),
        ("نه ممنون", []),
        # "Are you open or not?" and "you do, don't you?" exclude nothing.
        ("الان باز هستید یا نه", []),
        ("صفرشویی هم انجام می‌دید نه؟", []),
    ],
)
def test_what_the_customer_does_not_mean_is_told(
    text: str, excluded: list[str]
) -> None:
    assert [term.word for term in read_excluded(read_words(text))] == excluded


def test_a_verb_is_told_from_a_thing() -> None:
    assert is_asking_verb("دارید")
    assert is_asking_verb("میشویید")
    assert not is_asking_verb("روشویی")


def test_a_property_is_told_from_a_thing() -> None:
    assert is_attribute_word(make_term("وزنش"))
    assert not is_attribute_word(make_term("واکس"))


def test_how_much_is_vaguer_than_how_many_tomans() -> None:
    assert is_vague("روشویی چقدره")
    assert not is_vague("روشویی چنده")
