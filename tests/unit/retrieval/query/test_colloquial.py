"""Spoken Persian, and how it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.query.colloquial import write_formally
from retrieval.query.verbs import written_verb


@pytest.mark.parametrize(
    ("spoken", "written"),
    [
        ("این چنده؟", "این چقدر است؟"),
        ("میخوام بخرمش", "می‌خواهم بخرمش"),
        ("واسه عروسی", "برای عروسی"),
        ("قیمتتون چقده", "قیمت شما چقدر است"),
        ("کتابمو کجا بذارم", "کتابم را کجا بگذارم"),
        ("نمی‌دونم کدوم بهتره", "نمی‌دانم کدام بهتره"),
        ("میتونین بیاین؟", "می‌توانید بیاین؟"),
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
    assert written_verb(noun) is None


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    assert isinstance(write_formally(text), str)
