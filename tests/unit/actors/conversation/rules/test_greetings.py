"""Automatic greetings: what an app says to everybody is no person's answer."""

from dataclasses import replace
from datetime import datetime

import pytest

from actors.conversation.effects import CancelReply, RecordMessage
from actors.conversation.events import EchoReceived, echo_message_id
from actors.conversation.rules.greetings import MANY_CONVERSATIONS
from actors.conversation.state import Author, Source, Status
from tests.support.conversation.conversations import Story, at

WELCOME = "سلام! به فروشگاه ما خوش آمدید. به‌زودی پاسخ می‌دهیم."


def echo(
    story: Story,
    seconds: float,
    text: str = WELCOME,
    *,
    mid: str = "echo-1",
    is_recognised: bool = True,
    same_echoes: int = 0,
    written_at: datetime | None = None,
) -> None:
    story.apply(
        EchoReceived(
            **story.inbound_head(echo_message_id(story.id, mid), seconds, mid),
            text=text,
            may_be_greeting=is_recognised,
            same_echoes=same_echoes,
            written_at=written_at,
        )
    )


def leads(story: Story) -> bool:
    """Return whether the AI does."""
    return story.now.status is Status.ACTIVE and story.now.ai_enabled


@pytest.mark.parametrize(
    ("seconds", "is_ai_leading"), [(0.5, True), (3, True), (10, True), (11, False)]
)
def test_what_comes_within_seconds_of_the_first_words_is_a_greeting(
    seconds: float, is_ai_leading: bool
) -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_writes("قیمت؟", 0)
    echo(story, seconds)
    message = story.recorded
    assert (message.author, message.content) == (Author.SUPPORT, WELCOME)
    assert leads(story) is is_ai_leading
    assert bool(story.now.questions) is is_ai_leading
    assert (story.now.reply is not None) is is_ai_leading


def test_an_answer_that_is_being_written_goes_on_beside_a_greeting() -> None:
    story = Story(Source.INSTAGRAM)
    job = story.ask_and_start("قیمت؟", 0, "m1")
    echo(story, 3)
    assert CancelReply(job) not in story.effects
    assert story.now.last_message_id == story.recorded.id


def test_a_greeting_beside_a_shared_post_leaves_it_waiting() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_shares("عنوان: مانتو", 0)
    echo(story, 2)
    assert story.now.pending_share is not None
    assert leads(story)


def test_quick_words_later_in_a_conversation_are_a_persons() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_writes("سلام", 0)
    story.customer_writes("قیمت؟", 3600)
    echo(story, 3602)
    assert not leads(story)


def test_a_channel_may_let_greetings_take_over() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_writes("قیمت؟", 0)
    echo(story, 2, is_recognised=False, same_echoes=100)
    assert not leads(story)


@pytest.mark.parametrize(
    ("same_echoes", "text", "is_ai_leading"),
    [
        (MANY_CONVERSATIONS, WELCOME, True),
        (MANY_CONVERSATIONS - 1, WELCOME, False),
        # What people say to everybody is said by a person nevertheless.
        (1000, "سلام وقت بخیر", False),
        (1000, "", False),
    ],
)
def test_what_went_to_many_customers_is_automatic(
    same_echoes: int, text: str, is_ai_leading: bool
) -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_writes("قیمت؟", 0)
    echo(story, 600, text, same_echoes=same_echoes)
    assert leads(story) is is_ai_leading


def test_after_a_person_took_over_a_greeting_changes_nothing() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_writes("قیمت؟", 0)
    echo(story, 60, "۵۸۰ تومن", mid="owner")
    story.customer_writes("ممنون", 70)
    echo(story, 80, same_echoes=50)
    assert story.now.status is Status.SUPPORT_ACTIVE
    assert story.now.needs_operator


def test_after_an_outage_times_are_compared_as_things_were_said() -> None:
    # Both arrive at once; the owner had answered ten minutes after the question.
    story = Story(Source.INSTAGRAM)
    asked = story.customer_event("قیمت؟", 3600, "m1")
    story.apply(replace(asked, written_at=at(0)))
    echo(story, 3601, "۵۸۰ تومن", written_at=at(600))
    assert not leads(story)


def test_an_owner_who_writes_before_any_words_leads() -> None:
    story = Story(Source.INSTAGRAM)
    echo(story, 0, "سفارش شما آماده است")
    story.customer_writes("ممنون", 3)
    assert not leads(story)


def test_an_unsent_greeting_is_stored_blank() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_writes("قیمت؟", 0)
    story.is_unsent("echo-1", 1, is_ours=True)
    echo(story, 2)
    assert isinstance(story.recorded, RecordMessage)
    assert story.recorded.is_unsent
    assert story.recorded.content == ""
    assert leads(story)
