"""Words as the list of synonyms has them, with endings and typing errors."""

import pytest

from retrieval.query.lexicon import find_meanings, near_words
from retrieval.text.normalise import normalise

KNOWN = ["ارسال", "رایگان", "قسط", "کارت هدیه"]


@pytest.mark.parametrize("typed", ["ارسلا", "ارسسال", "ارصال", "ارسال"])
def test_one_error_is_forgiven(typed: str) -> None:
    assert near_words(typed, KNOWN) == ["ارسال"]


@pytest.mark.parametrize("typed", ["ارصالل", "الارس", "رسا", "قسظ", "قصط", ""])
def test_two_errors_and_short_words_are_not(typed: str) -> None:
    assert near_words(typed, KNOWN) == []


def test_a_mistyped_word_has_its_synonyms() -> None:
    (meaning,) = find_meanings(["گارنتی"])
    assert meaning.canonical == "ضمانت"


@pytest.mark.parametrize(
    ("typed", "listed"),
    [
        ("گارانتیتون", "گارانتی"),
        ("تخفیفی", "تخفیف"),
        ("مرجوعیش", "مرجوعی"),
        ("قیمتها", "قیمت"),
        ("پیگری", "پیگیری"),
        ("اقساطط", "اقساط"),
        ("تعویظ", "تعویض"),
        ("مجاني", "مجانی"),
    ],
)
def test_a_word_is_found_behind_endings_and_errors(typed: str, listed: str) -> None:
    (meaning,) = find_meanings(normalise(typed).split())
    assert meaning.words == listed


@pytest.mark.parametrize(
    "word",
    ["اصلا", "اصلاً", "قطعا", "وقتی", "نقدا", "چاقو", "کندو", "صورتی", "مناسبت", "نما"],
)
def test_a_word_that_ends_like_another_is_itself(word: str) -> None:
    # اصل is "original", قطع "cut off", وقت "appointment", چاق "fat", صورت "face".
    assert find_meanings(normalise(word).split()) == ()
