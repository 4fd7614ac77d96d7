"""Automatic texts are told from a customer who asks again."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from retrieval.dialogue.repetition import Exchange, is_automatic

START = datetime(2026, 5, 2, 9, 0, tzinfo=UTC)
EVERY = timedelta(seconds=3)


def silences(
    texts: Sequence[str], *, every: timedelta = EVERY, is_sourced: bool = False
) -> int | None:
    """Return how many of the texts are answered before silence; None if all are."""
    before: list[Exchange] = []
    for number, text in enumerate(texts):
        at = START + number * every
        if is_automatic(text, at, before):
            return number
        before.append(Exchange(text, at, is_sourced))
    return None


@pytest.mark.parametrize(
    "texts",
    [
        ["سلام، ممنون از شما 🌹"] * 4,
        ["سلام، ممنون از شما 🌹", "سلام ممنون از شما", "سلام! ممنون از شما 🙏🙏"],
        [f"پیامتان را دیدم ({n})" for n in range(4)],
        [f"در ساعت {h}:0{h} به شما جواب می‌دهیم" for h in range(4)],
        ["من شنبه برمی‌گردم و پیام شما را می‌خوانم"]
        + ["من یکشنبه برمی‌گردم و پیام شما را می‌خوانم"] * 2,
        [f"Thanks, we got your message #{n}" for n in range(17, 20)],
        ["🌹", "🌹", "🌹"],
        ["سلام\nسلام", "سلام", "سلام\nسلام\nسلام"],
    ],
)
def test_y7_equal_texts_are_answered_twice(texts: list[str]) -> None:
    assert silences(texts) == 2


def test_y7_a_slow_customer_may_say_the_same_again() -> None:
    assert silences(["سلام"] * 6, every=timedelta(minutes=6)) is None


@pytest.mark.parametrize(
    "texts",
    [
        ["سلام", "هزینه ارسال چقدره؟", "سلام", "ممنون"],
        ["قیمت مانتو چنده؟", "قیمت شومیز چنده؟", "قیمت شال چنده؟"],
        ["سلام خوبید", "سلام ارسال دارید؟", "سلام کجایید؟"],
        ["عنوان: مانتو\nچنده؟", "عنوان: شومیز\nچنده؟", "عنوان: شال\nچنده؟"],
        ["۱", "۲", "۳"],
    ],
)
def test_y7_what_differs_is_answered(texts: list[str]) -> None:
    assert silences(texts) is None


def test_y7_sizes_are_asked_one_after_the_other() -> None:
    sizes = [f"سایز {size} دارید؟" for size in (36, 38, 40, 42, 44)]
    assert silences(sizes, is_sourced=True) == 4
    assert silences(sizes[:4], is_sourced=True) is None
