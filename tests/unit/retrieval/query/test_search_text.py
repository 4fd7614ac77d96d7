"""A very long question is searched by its two ends, and by no link beside it."""

import pytest

from retrieval.query.forms import to_search_text
from retrieval.text.normalise import (
    MAX_QUESTION_CHARS,
    normalise,
    normalise_mildly,
    shorten_question,
)

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


@pytest.mark.parametrize(
    ("question", "searched"),
    [
        ("هزینه ارسال چقدره؟ https://narvan.example/shop/a?b=1", "هزینه ارسال چقدره؟"),
        ("www.narvan.example/a این چنده؟", "این چنده؟"),
        ("https://narvan.example/a،قیمتش چنده؟", "،قیمتش چنده؟"),
        ("«www.narvan.example/a»قیمتش؟", "« »قیمتش؟"),
        # Nothing else is there to go by.
        ("https://narvan.example/shop/linen", "https://narvan.example/shop/linen"),
        ("؟ https://narvan.example/shop", "؟ https://narvan.example/shop"),
        ("به salam@narvan.example بنویسم؟", "به salam@narvan.example بنویسم؟"),
    ],
)
def test_a_link_beside_a_question_is_not_searched(question: str, searched: str) -> None:
    assert to_search_text(question) == searched


def test_a_link_takes_no_room_in_a_long_question() -> None:
    long = "قیمت " * 300
    searched = to_search_text(f"{long} https://narvan.example/{'a' * 2_000}")
    assert searched == shorten_question(long.strip())
