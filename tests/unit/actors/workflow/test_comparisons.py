"""Texts are compared by what they say, whatever keyboard they were typed on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.workflow.comparisons import compare, has_keyword, is_same
from actors.workflow.definition import Operator


@pytest.mark.parametrize(
    ("operator", "text", "value", "holds"),
    [
        (Operator.EQUALS_TO, "سلام!", "سلام", True),
        (Operator.EQUALS_TO, "علي", "علی", True),
        (Operator.EQUALS_TO, "كتاب", "کتاب", True),
        (Operator.EQUALS_TO, "۱۲۳", "123", True),
        (Operator.EQUALS_TO, "Hello", "hello", True),
        (Operator.EQUALS_TO, "سلام دوست", "سلام", False),
        (Operator.START_WITH, "سفارش ۱۲ کجاست", "سفارش", True),
        (Operator.START_WITH, "کجاست سفارش", "سفارش", False),
        (Operator.END_WITH, "سفارش من کجاست؟", "کجاست", True),
        (Operator.CONTAINS, "می‌خوام خرید کنم", "خرید", True),
        (Operator.CONTAINS, "سلام", "خرید", False),
        (Operator.CONTAINS, "قیمت؟", "؟", True),
        (Operator.CONTAINS, "قیمت", "؟", False),
        (Operator.EQUALS_TO, "", "", True),
        (Operator.EQUALS_TO, "سلام", "", False),
        (Operator.CONTAINS, "سلام", "", True),
    ],
)
def test_comparisons(operator: Operator, text: str, value: str, *, holds: bool) -> None:
    assert compare(operator, text, value) is holds


@pytest.mark.parametrize(
    ("negation", "plain"),
    [
        (Operator.NOT_EQUAL, Operator.EQUALS_TO),
        (Operator.NOT_START_WITH, Operator.START_WITH),
        (Operator.NOT_END_WITH, Operator.END_WITH),
        (Operator.NOT_CONTAINS, Operator.CONTAINS),
    ],
)
@given(text=st.text(max_size=30), value=st.text(max_size=10))
def test_a_negation_is_the_opposite(
    negation: Operator, plain: Operator, text: str, value: str
) -> None:
    assert compare(negation, text, value) is not compare(plain, text, value)


@pytest.mark.parametrize(
    ("text", "keyword", "holds"),
    [
        ("کت دارید؟", "کت", True),
        ("کتاب دارید؟", "کت", False),
        ("تخفیف‌دار چی دارید", "تخفیف دار", True),
        ("تخفیف دار چی دارید", "تخفیف‌دار", True),
        ("می خوام بخرم", "می‌خوام", True),
        ("(خرید)", "خرید", True),
        ("خريد", "خرید", True),
        ("کد تخفيف میدید؟", "کد تخفیف", True),
        ("تخفیف با کد", "کد تخفیف", False),
        ("I want to BUY.", "buy", True),
        ("buyer", "buy", False),
        ("👍", "👍", True),
        ("", "خرید", False),
    ],
)
def test_a_keyword_is_found_as_whole_words(
    text: str, keyword: str, *, holds: bool
) -> None:
    assert has_keyword(text, [keyword]) is holds


def test_without_keywords_nothing_is_found() -> None:
    assert not has_keyword("سلام", [])


@given(st.text(max_size=40))
def test_a_text_says_the_same_as_itself(text: str) -> None:
    assert is_same(text, text)
    assert compare(Operator.EQUALS_TO, text, text)
