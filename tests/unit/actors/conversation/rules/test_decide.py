"""The rules of a conversation, event by event."""

from datetime import timedelta

import pytest

from actors.conversation.effects import (
    CancelReply,
    ClearTimer,
    Count,
    Counter,
    MarkMessages,
    RecordMessage,
    SetTimer,
    StartReply,
)
from actors.conversation.errors import UnknownConversationError
from actors.conversation.events import ReplyFailed, ReplyFellDue, StatusSet
from actors.conversation.rules.decide import decide
from actors.conversation.state import (
    MAX_QUESTIONS,
    Author,
    Delivery,
    Destination,
    Processing,
    Status,
    TimerKind,
)
from tests.support.conversation.conversations import POLICY, Story, at


def recorded(story: Story) -> list[RecordMessage]:
    return [effect for effect in story.effects if isinstance(effect, RecordMessage)]


def test_a_first_message_opens_a_conversation_that_the_ai_leads() -> None:
    story = Story()
    story.customer_writes("هزینه ارسال چقدره؟", 0)
    assert story.now.ai_may_answer
    assert story.now.version == 1
    (message,) = recorded(story)
    assert message.content == "هزینه ارسال چقدره؟"
    assert message.author is Author.CUSTOMER
    assert message.processing is Processing.PENDING
    assert SetTimer(TimerKind.REPLY, at(2)) in story.effects


def test_a_burst_is_answered_once_after_its_last_text() -> None:
    story = Story()
    story.customer_writes("سلام", 0)
    first = story.now.reply
    assert first is not None
    story.customer_writes("هزینه ارسال؟", 1)
    assert SetTimer(TimerKind.REPLY, at(3)) in story.effects
    early = story.apply(
        ReplyFellDue(
            id=story.new_id(),
            conversation_id=story.id,
            at=at(2),
            due_at=first.due_at,
        )
    )
    assert early.effects == ()
    story.reply_timer_fires(3)
    job = story.running_job()
    assert StartReply(job, story.now.questions) in story.effects
    assert len(story.now.questions) == 2


def test_an_answer_closes_its_questions() -> None:
    story = Story()
    story.customer_writes("سلام", 0)
    question = story.now.questions
    story.reply_timer_fires(2)
    story.ai_writes("سلام!", 3, job=story.running_job())
    (message,) = recorded(story)
    assert message.author is Author.AI
    assert message.delivery is Delivery.SENT
    assert MarkMessages(question, Processing.COMPLETED) in story.effects
    assert ClearTimer(TimerKind.REPLY) in story.effects
    assert story.now.questions == ()
    assert story.now.reply is None


def test_a_newer_text_cancels_the_answer_being_written() -> None:
    story = Story()
    story.customer_writes("مانتو دارین؟", 0)
    story.reply_timer_fires(2)
    job = story.running_job()
    story.customer_writes("مشکی باشه", 3)
    assert CancelReply(job) in story.effects
    assert Count(Counter.AI_REPLIES_DROPPED, "newer_text") in story.effects
    late = story.ai_writes("بله", 4, job=job)
    assert late.effects == ()
    story.reply_timer_fires(5)
    assert len(story.now.questions) == 2


@pytest.mark.parametrize(
    ("destination", "reason"),
    [(Destination.SALES, "redirected"), (Destination.SUPPORT, "redirected")],
)
def test_an_answer_is_never_sent_after_a_redirect_to_a_person(
    destination: Destination, reason: str
) -> None:
    story = Story()
    story.customer_writes("قیمت؟", 0)
    story.reply_timer_fires(2)
    job = story.running_job()
    story.redirect(destination, 3)
    assert Count(Counter.AI_REPLIES_DROPPED, reason) in story.effects
    assert story.now.status is Status.SUPPORT_ACTIVE
    assert not story.now.ai_enabled
    assert story.now.department is destination
    assert story.ai_writes("…", 4, job=job).effects == ()


def test_redirecting_to_the_ai_answers_what_still_waits() -> None:
    story = Story()
    story.customer_writes("قیمت؟", 0)
    story.redirect(Destination.SALES, 1)
    assert story.now.reply is None
    assert story.now.questions
    story.redirect(Destination.AI, 60)
    assert story.now.ai_may_answer
    assert story.now.department is None
    assert SetTimer(TimerKind.REPLY, at(62)) in story.effects


def test_the_ai_is_silent_after_an_operator_answered() -> None:
    story = Story()
    story.customer_writes("قیمت؟", 0)
    story.reply_timer_fires(2)
    job = story.running_job()
    story.operator_answers("الان بررسی می‌کنم", 3)
    assert story.now.status is Status.SUPPORT_ACTIVE
    assert story.now.questions == ()
    assert CancelReply(job) in story.effects
    story.customer_writes("ممنون", 10)
    assert story.now.reply is None
    assert story.now.needs_operator


def test_an_honest_i_do_not_know_hands_over_and_keeps_the_question() -> None:
    story = Story()
    story.customer_writes("هوا چطوره؟", 0)
    story.reply_timer_fires(2)
    story.ai_writes("نمی‌دانم", 3, job=story.running_job(), is_handover=True)
    assert story.now.status is Status.SUPPORT_ACTIVE
    assert story.now.department is Destination.SUPPORT
    assert story.now.needs_operator
    assert len(story.now.questions) == 1


def test_a_failed_answer_calls_a_person() -> None:
    story = Story()
    story.customer_writes("قیمت؟", 0)
    story.reply_timer_fires(2)
    questions = story.now.questions
    story.apply(
        ReplyFailed(
            id=story.new_id(),
            conversation_id=story.id,
            at=at(30),
            job=story.running_job(),
            reason="time-out",
        )
    )
    assert story.now.needs_operator
    assert MarkMessages(questions, Processing.FAILED, "time-out") in story.effects
    assert story.now.questions == questions


def test_a_timer_that_fires_again_after_a_crash_starts_the_writing_again() -> None:
    story = Story()
    story.customer_writes("قیمت؟", 0)
    story.reply_timer_fires(2)
    lost = story.running_job()
    story.reply_timer_fires(5)
    assert story.running_job() != lost
    assert story.ai_writes("old", 6, job=lost).effects == ()
    assert story.ai_writes("new", 7, job=story.running_job()).effects != ()


def test_a_customer_who_comes_back_reopens_a_closed_conversation() -> None:
    story = Story()
    story.customer_writes("سلام", 0)
    story.apply(
        StatusSet(
            id=story.new_id(),
            conversation_id=story.id,
            at=at(1),
            status=Status.CLOSED,
        )
    )
    assert story.now.reply is None
    assert story.now.questions == ()
    story.customer_writes("یه سوال دیگه", 100)
    assert story.now.status is Status.ACTIVE
    assert story.now.reply is not None


def test_only_a_platform_can_open_a_conversation() -> None:
    story = Story()
    event = StatusSet(
        id=story.new_id(),
        conversation_id=story.id,
        at=at(0),
        status=Status.CLOSED,
    )
    with pytest.raises(UnknownConversationError):
        decide(None, event, POLICY)


def test_unanswered_questions_do_not_grow_without_end() -> None:
    story = Story()
    for second in range(MAX_QUESTIONS + 5):
        story.customer_writes(f"پیام {second}", second)
    assert len(story.now.questions) == MAX_QUESTIONS


def test_the_debounce_is_the_policy_s() -> None:
    story = Story()
    story.customer_writes("سلام", 0)
    assert story.now.reply is not None
    assert story.now.reply.due_at - at(0) == timedelta(seconds=2)


def test_of_very_many_questions_the_oldest_are_nobodys_work_any_more() -> None:
    story = Story()
    for number in range(MAX_QUESTIONS):
        story.customer_writes(f"q{number}", number / 10, f"m{number}")
    story.reply_timer_fires(MAX_QUESTIONS / 10 + 2)
    story.customer_writes("one more", 5, "more")
    passed = MarkMessages((story.message_of("m0"),), Processing.COMPLETED)
    assert passed in story.effects
    assert story.message_of("m0") not in story.now.questions
