"""The AI's switch: on and off without a redirect."""

import pytest

from actors.conversation.effects import (
    CancelReply,
    ClearTimer,
    MarkMessages,
    RecordMessage,
    SetTimer,
)
from actors.conversation.state import (
    Destination,
    Processing,
    Source,
    Status,
    TimerKind,
)
from tests.support.conversation.conversations import Story, at


def test_switched_off_the_answer_that_is_being_written_is_cancelled() -> None:
    story = Story()
    job = story.ask_and_start("قیمت؟", 0, "m1")
    story.switch_ai(3, on=False)
    assert CancelReply(job) in story.effects
    assert ClearTimer(TimerKind.REPLY) in story.effects
    waits = MarkMessages((story.message_of("m1"),), Processing.PENDING)
    assert waits in story.effects
    assert story.counted == [("ai_replies_dropped_total", "switched_off")]
    written = story.ai_writes("صد تومن", 4, job=job)
    assert not [
        effect for effect in written.effects if isinstance(effect, RecordMessage)
    ]


def test_switched_off_the_conversation_stays_where_it_is() -> None:
    story = Story()
    story.customer_writes("قیمت؟", 0, "m1")
    story.switch_ai(1, on=False)
    assert story.now.status is Status.ACTIVE
    assert story.now.department is None
    assert not story.now.ai_may_answer
    assert story.now.questions == (story.message_of("m1"),)
    assert story.now.needs_operator


def test_switched_off_a_text_calls_a_person_and_arms_nothing() -> None:
    story = Story()
    story.customer_writes("سلام", 0)
    story.switch_ai(1, on=False)
    story.customer_writes("قیمت؟", 60)
    assert story.now.reply is None
    assert story.now.needs_operator
    assert not [effect for effect in story.effects if isinstance(effect, SetTimer)]


def test_predecessor_fault_r1_switched_off_it_stays_off() -> None:
    story = Story()
    story.customer_writes("سلام", 0)
    story.switch_ai(1, on=False)
    story.customer_writes("هستید؟", 86_400 * 30)
    assert not story.now.ai_enabled


def test_switched_off_nothing_that_waits_to_be_sent_leaves() -> None:
    story = Story(Source.INSTAGRAM)
    job = story.ask_and_start("قیمت؟", 0, "m1")
    story.ai_writes("صد تومن", 3, job=job)
    story.switch_ai(3, on=False)
    assert story.now.sends == ()
    assert [send.content for send in story.now.dead] == ["صد تومن"]


def test_switched_off_a_share_waits_for_nothing() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_shares("عنوان: مانتو", 0)
    story.switch_ai(1, on=False)
    assert story.now.pending_share is None
    assert ClearTimer(TimerKind.SHARE) in story.effects


def test_switched_on_what_nobody_answered_is_answered() -> None:
    story = Story()
    story.customer_writes("قیمت؟", 0, "m1")
    story.switch_ai(1, on=False)
    story.customer_writes("سلام؟", 2, "m2")
    story.switch_ai(60, on=True)
    assert SetTimer(TimerKind.REPLY, at(62)) in story.effects
    assert story.now.questions == (story.message_of("m1"), story.message_of("m2"))
    assert not story.now.needs_operator


def test_switched_on_what_a_person_answered_is_not_answered_again() -> None:
    story = Story()
    story.customer_writes("قیمت؟", 0)
    story.operator_answers("صد تومن", 1)
    story.switch_ai(60, on=True)
    assert story.now.ai_may_answer
    assert story.now.reply is None


def test_switched_on_in_a_department_the_ai_leads() -> None:
    story = Story()
    story.customer_writes("قیمت؟", 0)
    story.redirect(Destination.SALES, 1)
    story.switch_ai(60, on=True)
    assert story.now.ai_may_answer
    assert story.now.department is None
    assert SetTimer(TimerKind.REPLY, at(62)) in story.effects


def test_switched_off_in_a_department_the_department_stays() -> None:
    story = Story()
    story.customer_writes("قیمت؟", 0)
    story.redirect(Destination.SALES, 1)
    before = story.now
    story.switch_ai(2, on=False)
    assert story.effects == ()
    assert (story.now.status, story.now.department) == (
        before.status,
        Destination.SALES,
    )


@pytest.mark.parametrize(
    ("on", "reopened"), [(True, Status.ACTIVE), (False, Status.SUPPORT_ACTIVE)]
)
def test_a_closed_conversation_stays_closed_and_remembers_who_leads_next(
    on: bool, reopened: Status
) -> None:
    story = Story()
    story.customer_writes("ممنون", 0)
    story.redirect(Destination.BILLING, 1)
    story.set_status(Status.CLOSED, 2)
    story.switch_ai(3, on=on)
    assert story.now.status is Status.CLOSED
    story.customer_writes("یک سؤال دیگر", 60)
    assert story.now.status is reopened
    assert story.now.ai_may_answer is on


def test_switched_on_twice_an_answer_goes_on() -> None:
    story = Story()
    job = story.ask_and_start("قیمت؟", 0)
    story.switch_ai(3, on=True)
    assert story.running_job() == job
    assert story.effects == ()
