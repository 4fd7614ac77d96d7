"""Stored messages become the exchanges that the next message leans on."""

from datetime import UTC, datetime

from deployments.answers.history import build_exchanges, build_turns
from persistence.messages import Turn as Line
from retrieval.dialogue.repetition import Exchange
from retrieval.dialogue.turns import Turn

AT = datetime(2026, 5, 2, tzinfo=UTC)
ANSWERED = Line(
    "AI",
    "۶۵ هزار تومان است.",
    AT,
    question="هزینه ارسال",
    subject="ارسال",
    subject_chunk_id="c1",
    is_sourced=True,
)


def said(text: str, referred: str = "") -> Line:
    return Line("customer", text, AT, referred)


def test_what_was_said_in_a_row_is_one_exchange_when_it_is_answered() -> None:
    lines = (said("سلام"), said("هزینه ارسال؟"), ANSWERED, said("ممنون"))
    assert build_turns(lines) == (
        Turn("سلام\nهزینه ارسال؟", ANSWERED.content, "هزینه ارسال", "ارسال", "c1"),
    )


def test_unsent_words_are_left_out() -> None:
    assert build_turns((said(""), said("قیمت؟"), ANSWERED))[0].said == "قیمت؟"


def test_answers_of_a_person_are_no_exchange_of_ours() -> None:
    lines = (said("سلام"), Line("support", "بله", AT), said("این", "مانتو"), ANSWERED)
    assert build_exchanges(lines) == (Exchange("مانتو\nاین", AT, is_sourced=True),)


def test_a_greeting_of_ours_answers_nothing() -> None:
    assert build_exchanges((ANSWERED,)) == ()
