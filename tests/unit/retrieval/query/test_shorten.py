"""A very long question is searched by its two ends, however it is written."""

import pytest

from retrieval.normalise import normalise, normalise_mildly
from retrieval.query.shorten import MAX_QUESTION_CHARS, shorten_question

#: The dots between the ends, with a blank on both sides.
GAP = 5


def test_a_question_of_usual_length_stays_as_it_was_written() -> None:
    question = "هزينه‌ي ارسال ﷼ ۵۰؟ " * 20
    assert shorten_question(question) == question


def test_of_a_long_one_both_ends_are_kept() -> None:
    shortened = shorten_question("هزينه ارسال؟ " + "ا " * 5_000 + "با پست")
    assert len(shortened) <= MAX_QUESTION_CHARS + GAP
    assert shortened.startswith("هزينه ارسال؟")
    assert shortened.endswith("با پست")


@pytest.mark.parametrize("sign", ["ﷺ", "ﷻ", "㍿", "½ "])
def test_signs_that_spell_whole_phrases_count_by_what_they_spell(sign: str) -> None:
    # 1,200 of the first are 4,800 words: reading those took eleven seconds.
    question = shorten_question(f"قیمت {sign * 1_150} ارسال")
    assert len(normalise_mildly(question)) <= MAX_QUESTION_CHARS + GAP
    assert normalise(question).startswith("قیمت ")
    assert normalise(question).endswith(" ارسال")
