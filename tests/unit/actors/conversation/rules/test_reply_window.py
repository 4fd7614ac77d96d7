"""The reply window on Instagram, for the AI and for an operator."""

from dataclasses import replace
from datetime import timedelta

import pytest

from actors.conversation.effects import DeliverPart, RecordSend
from actors.conversation.errors import WindowClosedError
from actors.conversation.rules.delivery import WINDOW_CLOSED
from actors.conversation.rules.reply_window import HUMAN_AGENT, reply_window
from actors.conversation.state import Destination, Source
from tests.support.conversation.conversations import Story, at

HOUR = 3600.0
DAY = 24 * HOUR


def delivered(story: Story) -> DeliverPart:
    (command,) = [effect for effect in story.effects if isinstance(effect, DeliverPart)]
    return command


def test_the_window_is_a_day_and_for_persons_a_week() -> None:
    window = reply_window(Source.INSTAGRAM, at(0))
    assert window is not None
    assert window.until == at(0) + timedelta(hours=24)
    assert window.operator_until == at(0) + timedelta(days=7)


@pytest.mark.parametrize("source", [Source.TELEGRAM, Source.WEBSITE])
def test_other_channels_have_no_window(source: Source) -> None:
    assert reply_window(source, at(0)) is None


def test_whoever_never_wrote_to_us_has_none_that_we_know() -> None:
    assert reply_window(Source.INSTAGRAM, None) is None


@pytest.mark.parametrize(
    ("seconds", "tag"),
    [(HOUR, ""), (DAY, ""), (DAY + 1, HUMAN_AGENT), (7 * DAY, HUMAN_AGENT)],
)
def test_a_person_says_so_when_answering_late(seconds: float, tag: str) -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_writes("سلام", 0)
    story.operator_answers("سلام", seconds)
    story.send_timer_fires(seconds)
    assert delivered(story).tag == tag


def test_after_a_week_a_person_is_told_that_it_is_too_late() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_writes("سلام", 0)
    with pytest.raises(WindowClosedError, match="takes no answer"):
        story.operator_answers("سلام", 7 * DAY + 1)
    story.customer_shares("", 8 * DAY)
    story.operator_answers("سلام", 8 * DAY + 1)
    assert story.now.sends


def test_the_ai_does_not_begin_to_write_once_the_window_is_closed() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_writes("قیمت؟", 0)
    story.redirect(Destination.SALES, 1)
    story.redirect(Destination.AI, 2 * DAY)
    story.reply_timer_fires(2 * DAY + 2)
    assert story.now.reply is None
    assert story.now.needs_operator
    assert story.now.questions


def test_what_the_ai_wrote_in_time_is_not_sent_too_late() -> None:
    story = Story(Source.INSTAGRAM)
    job = story.ask_and_start("قیمت؟", 0)
    story.ai_writes("صد تومن", 3, job=job)
    story.send_timer_fires(DAY + 1)
    (record,) = [effect for effect in story.effects if isinstance(effect, RecordSend)]
    assert record.error == WINDOW_CLOSED
    assert story.now.sends == ()
    assert story.now.needs_operator
    assert story.counted == [("ai_replies_dropped_total", "window_closed")]


def test_what_was_long_on_its_way_is_answered_within_the_platforms_window() -> None:
    story = Story(Source.INSTAGRAM)
    wrote = story.customer_event("سلام", 30 * HOUR, "m1")
    story.apply(replace(wrote, written_at=at(0)))
    assert story.now.last_customer_at == at(0)
    # Our outage took a day and more: the AI's time is over, a person's is not.
    story.reply_timer_fires(30 * HOUR + 2)
    assert story.now.reply is None
    assert story.now.needs_operator
    story.operator_answers("سلام", 31 * HOUR)
    story.send_timer_fires(31 * HOUR)
    assert delivered(story).tag == HUMAN_AGENT


def test_what_was_overtaken_closes_no_window() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_writes("سلام", 10 * HOUR)
    late = story.customer_event("اولی", 10 * HOUR + 60, "m0")
    story.apply(replace(late, written_at=at(0)))
    assert story.now.last_customer_at == at(10 * HOUR)
