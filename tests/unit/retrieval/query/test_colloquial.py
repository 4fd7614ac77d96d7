"""Spoken Persian, and how it is written."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.data.loading import load_rows
from retrieval.query.colloquial import write_formally
from retrieval.query.nouns import COLLOQUIAL, written_noun
from retrieval.query.verbs import written_verb


@pytest.mark.parametrize(
    ("spoken", "written"),
    [
        ("این چنده؟", "این چقدر است؟"),
        ("میخوام بخرمش", "می‌خواهم بخرمش"),
        ("واسه عروسی", "برای عروسی"),
        ("قیمتتون چقده", "قیمت شما چقدر است"),
        ("کتابمو کجا بذارم", "کتابم را کجا بگذارم"),
        ("نمی‌دونم کدوم بهتره", "نمی‌دانم کدام بهتر است"),
        ("میتونین بیاین؟", "می‌توانید بیایید؟"),
    ],
)
def test_speech_is_written_word_by_word(spoken: str, written: str) -> None:
    assert write_formally(spoken) == written


@pytest.mark.parametrize(
    "written",
    [
        "میزان فشار هوا باید در چه حدی باشد؟",
        "نام این میدان چیست؟",
        "مهاجمان در انگلستان میان قلعه‌ها چه می‌کردند؟",
        "قانون میلیون تلویزیون و همایون",
        "Do you ship to Tehran?",
    ],
)
def test_what_is_written_stays_as_it_is(written: str) -> None:
    assert write_formally(written) == written


@pytest.mark.parametrize(
    ("spoken", "written"),
    [
        ("میشه", "می‌شود"),
        ("نمیره", "نمی‌رود"),
        ("برمیگردونید", "برمی‌گردانید"),
        ("بپوشه", "بپوشد"),
        ("بخونم", "بخوانم"),
        ("دارین", "دارید"),
    ],
)
def test_a_spoken_verb_has_its_written_form(spoken: str, written: str) -> None:
    assert written_verb(spoken) == written


@pytest.mark.parametrize("noun", ["نام", "میان", "بند", "باد", "زمین", ""])
def test_a_noun_that_looks_like_a_verb_is_none(noun: str) -> None:
    assert write_formally(noun) == noun


@pytest.mark.parametrize(
    ("typed", "understood"),
    load_rows("gold.tsv", columns=2, folder=Path(__file__).parent),
)
def test_a_customer_is_understood(typed: str, understood: str) -> None:
    assert write_formally(typed) == understood


def test_no_listed_word_says_what_a_rule_says() -> None:
    for spoken, written in COLLOQUIAL.items():
        others = [reading(spoken) for reading in (written_verb, written_noun)]
        assert written not in others, f"{spoken} needs no row in colloquial.tsv"


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    assert isinstance(write_formally(text), str)
