"""Profile look-ups: rare, and never before an answer."""

import pytest

from actors.conversation.effects import AskProfile, RecordProfile, StartReply
from actors.conversation.rules.profiles import PAUSES
from actors.conversation.state import Destination, Profile, Source
from tests.support.conversation.conversations import Story

SARA = Profile("سارا", "احمدی", "sara_88")
AN_HOUR = 3600.0


def is_asked(story: Story) -> bool:
    return AskProfile() in story.effects


def test_a_name_is_asked_for_when_the_burst_is_over() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_writes("سلام", 0)
    assert not is_asked(story)
    story.customer_writes("قیمت؟", 1)
    assert not is_asked(story)
    story.reply_timer_fires(3)
    # Beside the answer, which does not wait for it.
    assert [type(effect) for effect in story.effects][-2:] == [StartReply, AskProfile]


@pytest.mark.parametrize("source", [Source.TELEGRAM, Source.WEBSITE])
def test_elsewhere_nobody_is_asked(source: Source) -> None:
    story = Story(source)
    story.ask_and_start("سلام", 0)
    assert not is_asked(story)


def test_a_name_is_kept_and_not_asked_for_again() -> None:
    story = Story(Source.INSTAGRAM)
    story.ask_and_start("سلام", 0)
    story.name_is_learned(SARA, 4)
    assert story.effects == (RecordProfile(SARA),)
    assert story.now.profile == SARA
    story.operator_answers("بفرمایید", 10 * AN_HOUR)
    assert not is_asked(story)


def test_a_share_without_a_question_is_somebodys_too() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_shares("عنوان: مانتو", 0)
    assert is_asked(story)


def test_a_text_to_a_person_is_asked_about_at_once() -> None:
    story = Story(Source.INSTAGRAM)
    story.echo_arrives("سلام، سفارشتان آماده است", 0, "o1")
    # Nobody is told of who has not written to the shop.
    assert not is_asked(story)
    story.customer_writes("ممنون", 60)
    assert is_asked(story)


def test_an_answer_that_never_came_is_asked_for_again_later() -> None:
    story = Story(Source.INSTAGRAM)
    story.ask_and_start("سلام", 0)
    story.redirect(Destination.SALES, 5)
    assert not is_asked(story)
    story.customer_writes("هستید؟", 2 + PAUSES[0].total_seconds())
    assert is_asked(story)


def test_what_is_not_told_is_asked_for_ever_more_rarely() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_writes("سلام", 0)
    story.redirect(Destination.SALES, 1)
    assert is_asked(story)
    seconds = 1.0
    for pause in (*PAUSES[1:], PAUSES[-1]):
        story.name_is_missed(seconds)
        assert not is_asked(story)
        seconds += pause.total_seconds()
        story.customer_writes("هستید؟", seconds - 1)
        assert not is_asked(story)
        story.customer_writes("هستید؟", seconds)
        assert is_asked(story)


def test_a_name_without_letters_is_no_name() -> None:
    story = Story(Source.INSTAGRAM)
    story.ask_and_start("سلام", 0)
    story.name_is_learned(Profile(), 4)
    assert story.now.profile == Profile()
    assert story.effects == ()


def test_a_name_changes_nothing_else() -> None:
    story = Story(Source.INSTAGRAM)
    job = story.ask_and_start("سلام", 0)
    before = story.now
    story.name_is_learned(SARA, 4)
    assert story.running_job() == job
    assert (story.now.questions, story.now.status) == (
        before.questions,
        before.status,
    )
