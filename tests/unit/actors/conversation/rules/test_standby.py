"""What is said while another app of the account leads: stored, the AI silent."""

from dataclasses import replace

import pytest

from actors.conversation.effects import CancelReply, MarkMessages, StartReply
from actors.conversation.events import (
    CustomerShared,
    EchoReceived,
    echo_message_id,
    share_message_id,
)
from actors.conversation.rules.placeholders import UNSUPPORTED
from actors.conversation.state import Author, Processing, Source, Status
from tests.support.conversation.conversations import Story, at


def overhear(story: Story, text: str, seconds: float, mid: str) -> None:
    story.apply(replace(story.customer_event(text, seconds, mid), is_standby=True))


def overhear_answer(story: Story, text: str, seconds: float, mid: str) -> None:
    inbound = story.inbound_head(echo_message_id(story.id, mid), seconds, mid)
    story.apply(EchoReceived(**inbound, text=text, is_standby=True))


def test_what_the_customer_writes_to_another_app_is_stored_and_not_answered() -> None:
    story = Story(Source.INSTAGRAM)
    overhear(story, "قیمت؟", 0, "m1")
    message = story.recorded
    assert (message.author, message.content) == (Author.CUSTOMER, "قیمت؟")
    assert message.processing is Processing.COMPLETED
    now = story.now
    assert (now.reply, now.questions, now.needs_operator) == (None, (), False)
    assert (now.status, now.ai_enabled) == (Status.ACTIVE, True)
    # Meta's window is open whoever leads.
    assert now.last_customer_at == at(0)


def test_the_ai_answers_again_what_comes_by_the_main_way() -> None:
    story = Story(Source.INSTAGRAM)
    overhear(story, "قیمت؟", 0, "m1")
    overhear_answer(story, "۵۸۰ تومن", 5, "e1")
    assert story.recorded.author is Author.SUPPORT
    assert story.now.ai_may_answer
    story.customer_writes("ارسال دارید؟", 10, "m2")
    story.reply_timer_fires(12)
    (command,) = [one for one in story.effects if isinstance(one, StartReply)]
    assert command.questions == (story.message_of("m2"),)


def test_an_answer_that_is_being_written_is_dropped() -> None:
    story = Story(Source.INSTAGRAM)
    job = story.ask_and_start("قیمت؟", 0, "m1")
    overhear(story, "الو؟", 3, "m2")
    assert CancelReply(job) in story.effects
    assert ("ai_replies_dropped_total", "standby") in story.counted
    assert story.now.reply is None
    # Nobody here knows whether the other app has heard the question.
    assert story.now.needs_operator
    overhear_answer(story, "۵۸۰ تومن", 5, "e1")
    closed = MarkMessages((story.message_of("m1"),), Processing.COMPLETED)
    assert closed in story.effects
    assert story.now.questions == ()


def test_a_share_waits_for_nothing_while_another_app_leads() -> None:
    story = Story(Source.INSTAGRAM)
    inbound = story.inbound_head(share_message_id(story.id, "s1"), 0, "s1")
    story.apply(CustomerShared(**inbound, content="عنوان: شال", is_standby=True))
    assert story.recorded.content == "عنوان: شال"
    assert story.now.pending_share is None


def test_what_can_not_be_shown_calls_an_operator_all_the_same() -> None:
    story = Story(Source.INSTAGRAM)
    overhear(story, UNSUPPORTED, 0, "m1")
    assert story.now.needs_operator


@pytest.mark.parametrize("is_first", [True, False])
def test_unsent_words_are_shown_to_nobody(is_first: bool) -> None:
    story = Story(Source.INSTAGRAM)
    if not is_first:
        story.customer_writes("سلام", 0, "m0")
    story.is_unsent("m1", 1)
    overhear(story, "اشتباه شد", 2, "m1")
    assert (story.recorded.content, story.recorded.is_unsent) == ("", True)


def test_an_edit_that_came_first_is_what_is_stored() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_writes("سلام", 0, "m0")
    story.is_edited("m1", "سایز ۴۲", 1)
    overhear(story, "سایز ۴۰", 2, "m1")
    assert (story.recorded.content, story.recorded.is_edited) == ("سایز ۴۲", True)
