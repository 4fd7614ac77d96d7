"""What a model's text says, with and without the mark of not knowing."""

import pytest

from config.prompts import NO_ANSWER
from deployments.answers.verdict import read_verdict


@pytest.mark.parametrize(
    ("text", "answer", "is_left_open"),
    [
        ("ارسال ۶۵ هزار تومان است.", "ارسال ۶۵ هزار تومان است.", False),
        (NO_ANSWER, "", True),
        (f"{NO_ANSWER}\n", "", True),
        (f"**{NO_ANSWER}**", "", True),
        (f"{NO_ANSWER}: the context says nothing of it", "", True),
        (f"ارسال ۶۵ هزار تومان است.\n{NO_ANSWER}", "ارسال ۶۵ هزار تومان است.", True),
        (f"ارسال ۶۵ هزار تومان است. {NO_ANSWER}", "ارسال ۶۵ هزار تومان است.", True),
        (f"{NO_ANSWER}\n\nارسال رایگان است.", "ارسال رایگان است.", True),
    ],
)
def test_a_part_that_answers_is_kept(
    text: str, answer: str, is_left_open: bool
) -> None:
    assert read_verdict(text) == (answer, is_left_open)
