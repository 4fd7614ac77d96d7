"""Since when a customer waits, whatever happens; seconds after noon."""

from actors.conversation.state import Destination, Source, Status
from tests.support.conversation.conversations import Story, at


def test_a_customer_waits_from_the_first_unanswered_message_on() -> None:
    story = Story()
    story.customer_writes("سلام", 0)
    story.customer_writes("قیمت؟", 5)
    assert story.now.inbox.waiting_since == at(0)
    story.reply_timer_fires(7)
    story.ai_writes("۵۰۰", 9, job=story.running_job())
    assert story.now.inbox.waiting_since is None
    story.customer_writes("گران است", 20)
    assert story.now.inbox.waiting_since == at(20)
    story.operator_answers("بله", 30)
    assert story.now.inbox.waiting_since is None


def test_an_answer_that_hands_over_leaves_the_customer_waiting() -> None:
    story = Story()
    job = story.ask_and_start("یک نفر جواب بدهد", 0)
    story.ai_writes("همکارم می‌آید", 5, job=job, is_handover=True)
    assert story.now.inbox.waiting_since == at(0)


def test_a_share_that_a_person_owns_waits_as_well() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_writes("سلام", 0)
    story.operator_answers("سلام!", 5)
    story.customer_shares("کپشن: مانتو", 10)
    assert story.now.inbox.waiting_since == at(10)


def test_whoever_was_answered_and_is_handed_over_waits_from_then_on() -> None:
    story = Story()
    job = story.ask_and_start("سلام", 0)
    story.ai_writes("سلام!", 5, job=job)
    story.redirect(Destination.SALES, 60)
    assert story.now.inbox.waiting_since == at(60)
    story.redirect(Destination.AI, 70)
    assert story.now.inbox.waiting_since is None


def test_a_closed_conversation_waits_for_nothing() -> None:
    story = Story()
    story.customer_writes("سلام", 0)
    story.set_status(Status.CLOSED, 5)
    assert story.now.inbox.waiting_since is None
    story.customer_writes("هستید؟", 9)
    assert story.now.inbox.waiting_since == at(9)


def test_an_only_question_that_is_taken_back_waits_no_more() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_writes("سلام", 0, "m1")
    story.is_unsent("m1", 1)
    assert story.now.inbox.waiting_since is None
