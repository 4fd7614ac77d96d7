"""Words that are one slip of a finger away."""

import pytest

from retrieval.query.lexicon import find_meanings
from retrieval.query.typing_errors import NearWords

NEAR = NearWords(["ارسال", "رایگان", "قسط", "کارت هدیه"])


@pytest.mark.parametrize("typed", ["ارسلا", "ارسسال", "ارصال", "ارسال"])
def test_one_error_is_forgiven(typed: str) -> None:
    assert NEAR.find(typed) == ["ارسال"]


@pytest.mark.parametrize("typed", ["ارصالل", "الارس", "رسا", "قسظ", "قصط", ""])
def test_two_errors_and_short_words_are_not(typed: str) -> None:
    assert NEAR.find(typed) == []


def test_a_mistyped_word_has_its_synonyms() -> None:
    (meaning,) = find_meanings(["گارنتی"])
    assert meaning.usual == "ضمانت"
