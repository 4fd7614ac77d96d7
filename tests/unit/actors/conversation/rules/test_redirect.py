"""SPEC 1b: redirects, their log lines and counters to the letter."""

import pytest

from actors.conversation.effects import LogName, MarkMessages, RecordMessage, SetTimer
from actors.conversation.state import (
    Destination,
    Processing,
    Source,
    Status,
    TimerKind,
)
from tests.support.conversation.conversations import Story, at

DEPARTMENTS = [
    destination for destination in Destination if destination is not Destination.AI
]


@pytest.mark.parametrize("destination", DEPARTMENTS)
def test_a_department_gets_the_conversation_and_the_log_says_so(
    destination: Destination,
) -> None:
    story = Story()
    story.customer_writes("سلام", 0)
    story.redirect(destination, 1)
    assert story.now.status is Status.SUPPORT_ACTIVE
    assert not story.now.ai_enabled
    assert story.now.department is destination
    assert story.now.needs_operator
    name = destination.value
    assert story.logged(LogName.WORKFLOW) == [
        f"[Redirect to {name}] Conversation {story.id}: "
        "will disable AI, set status to 'support_active'",
        f"✓ Conversation {story.id} status updated: active -> support_active",
        f"✅ [Redirect Complete] Conversation {story.id} redirected to '{name}': "
        "status active->support_active, AI=disabled",
    ]
    assert story.counted == [("conversation_redirects_total", name)]


def test_the_ai_gets_the_conversation_back_and_the_log_says_so() -> None:
    story = Story()
    story.customer_writes("سلام", 0)
    story.redirect(Destination.TECHNICAL, 1)
    story.redirect(Destination.AI, 60)
    assert story.now.ai_may_answer
    assert story.now.department is None
    assert not story.now.needs_operator
    assert story.logged(LogName.WORKFLOW) == [
        f"[Redirect to AI] Conversation {story.id}: "
        "will enable AI, set status to 'active'",
        f"✓ Conversation {story.id} status updated: support_active -> active",
        f"✅ [Redirect Complete] Conversation {story.id} redirected to 'ai': "
        "status support_active->active, AI=enabled",
    ]
    assert story.counted == [("conversation_redirects_total", "ai")]


def test_texts_that_nobody_answered_are_answered_once_the_ai_leads_again() -> None:
    story = Story()
    story.customer_writes("قیمت؟", 0, "m1")
    story.redirect(Destination.SALES, 1)
    story.customer_writes("سلام؟", 2, "m2")
    story.redirect(Destination.AI, 60)
    assert SetTimer(TimerKind.REPLY, at(62)) in story.effects
    assert story.now.questions == (story.message_of("m1"), story.message_of("m2"))


def test_texts_that_a_person_answered_are_not_answered_again() -> None:
    story = Story()
    story.customer_writes("قیمت؟", 0)
    story.operator_answers("صد تومن", 1)
    story.redirect(Destination.AI, 60)
    assert story.now.reply is None


def test_the_ai_s_own_handover_is_a_redirect_to_support() -> None:
    story = Story(Source.INSTAGRAM)
    job = story.ask_and_start("هوا چطوره؟", 0)
    story.customer_shares("عنوان: مانتو", 2.5)
    story.ai_writes("نمی‌دانم", 3, job=job, is_handover=True)
    assert story.now.department is Destination.SUPPORT
    assert story.counted == [("conversation_redirects_total", "support")]
    assert len(story.logged(LogName.WORKFLOW)) == 3
    # The words that announce it are still sent; the share waits for nothing now.
    assert [send.content for send in story.now.sends] == ["نمی‌دانم"]
    assert story.now.pending_share is None


@pytest.mark.parametrize(
    ("status", "ai_enabled"),
    [
        (Status.ACTIVE, True),
        (Status.SUPPORT_ACTIVE, False),
        (Status.MARKETING_ACTIVE, False),
        (Status.CLOSED, True),
    ],
)
def test_every_status_can_be_set(status: Status, ai_enabled: bool) -> None:
    story = Story()
    story.customer_writes("سلام", 0)
    story.set_status(status, 1)
    assert (story.now.status, story.now.ai_enabled) == (status, ai_enabled)
    assert (story.now.reply is not None) == (status is Status.ACTIVE)


def test_setting_active_lets_the_ai_answer_what_waits() -> None:
    story = Story()
    story.customer_writes("قیمت؟", 0)
    story.redirect(Destination.SALES, 1)
    story.set_status(Status.ACTIVE, 60)
    assert story.now.department is None
    assert SetTimer(TimerKind.REPLY, at(62)) in story.effects


def test_a_media_reply_keeps_the_ai_and_calls_a_person() -> None:
    story = Story(Source.INSTAGRAM)
    job = story.ask_and_start("سلام", 0)
    story.ai_writes("همکارم می‌بیند", 3, job=job, needs_operator=True)
    assert story.now.needs_operator
    assert story.now.ai_may_answer
    assert story.now.questions == ()


def test_what_the_ai_had_begun_to_answer_waits_again() -> None:
    story = Story()
    story.ask_and_start("سلام", 0, "m1")
    story.redirect(Destination.SALES, 3)
    (marked,) = [effect for effect in story.effects if isinstance(effect, MarkMessages)]
    assert marked == MarkMessages((story.message_of("m1"),), Processing.PENDING)


def test_what_a_person_answered_meanwhile_does_not_wait() -> None:
    story = Story()
    story.ask_and_start("سلام", 0, "m1")
    story.operator_answers("سلام", 3)
    marks = [effect for effect in story.effects if isinstance(effect, MarkMessages)]
    assert marks[-1].processing is Processing.COMPLETED


def test_y7_a_silent_handover_says_nothing_and_calls_a_person() -> None:
    story = Story(Source.INSTAGRAM)
    job = story.ask_and_start("ممنون از پیامتان", 0)
    decision = story.ai_writes("", 3, job=job, is_handover=True)
    assert not any(isinstance(effect, RecordMessage) for effect in decision.effects)
    assert story.now.sends == ()
    assert story.now.needs_operator
    assert not story.now.ai_enabled
    assert story.now.status is Status.SUPPORT_ACTIVE
    assert story.now.reply is None
    # The questions wait for the person.
    assert len(story.now.questions) == 1
    assert story.counted == [("conversation_redirects_total", "support")]
