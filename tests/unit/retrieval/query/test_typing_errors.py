"""Words that are one slip of a finger away."""

import pytest

from retrieval.query.lexicon import find_meanings, near_words

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
