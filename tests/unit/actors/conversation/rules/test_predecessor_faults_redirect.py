"""TRAPS R1 to R7: a redirect is never undone by itself."""

import pytest

from actors.conversation.effects import (
    CancelReply,
    DeliverPart,
    RecordMessage,
    SetTimer,
)
from actors.conversation.state import Author, Destination, Source, Status, TimerKind
from tests.support.conversation.conversations import Story, at

DAY = 24 * 3600.0
DEPARTMENTS = [
    destination for destination in Destination if destination is not Destination.AI
]


def test_r1_the_ai_that_was_switched_off_stays_off() -> None:
    story = Story()
    story.customer_writes("سلام", 0)
    story.redirect(Destination.SUPPORT, 1)
    for day in range(1, 400, 7):
        story.customer_writes("هنوز هستید؟", day * DAY)
        assert not story.now.ai_enabled
        assert story.now.status is Status.SUPPORT_ACTIVE
        assert story.now.reply is None


@pytest.mark.parametrize("text", ["قیمت", "ممنون", "؟", "/start", ""])
def test_r2_no_message_of_the_customer_switches_the_ai_on(text: str) -> None:
    story = Story()
    story.customer_writes("سلام", 0)
    story.redirect(Destination.SALES, 1)
    story.customer_writes(text, 2)
    assert not story.now.ai_may_answer
    assert story.now.department is Destination.SALES


def test_r2_nor_does_closing_and_coming_back() -> None:
    story = Story()
    story.customer_writes("سلام", 0)
    story.redirect(Destination.SALES, 1)
    story.set_status(Status.CLOSED, 2)
    story.customer_writes("برگشتم", 3)
    assert story.now.status is Status.SUPPORT_ACTIVE
    assert not story.now.ai_enabled
    assert story.now.needs_operator


@pytest.mark.parametrize("destination", DEPARTMENTS)
def test_r4_the_department_is_kept(destination: Destination) -> None:
    story = Story()
    story.customer_writes("سلام", 0)
    story.redirect(destination, 1)
    story.customer_writes("سلام؟", 2)
    assert story.now.department is destination
    story.redirect(Destination.AI, 3)
    assert story.now.department is None


@pytest.mark.parametrize("way", ["redirect", "answer", "echo", "close", "status"])
def test_r5_an_answer_that_comes_after_a_take_over_is_never_sent(way: str) -> None:
    story = Story(Source.INSTAGRAM)
    job = story.ask_and_start("قیمت؟", 0)
    match way:
        case "redirect":
            story.redirect(Destination.BILLING, 3)
        case "answer":
            story.operator_answers("الان می‌گم", 3)
        case "echo":
            story.echo_arrives("الان می‌گم", 3, "mid.owner")
        case "close":
            story.set_status(Status.CLOSED, 3)
        case _:
            story.set_status(Status.SUPPORT_ACTIVE, 3)
    assert CancelReply(job) in story.effects
    assert [name for name, _ in story.counted].count("ai_replies_dropped_total") == 1
    assert story.ai_writes("…", 4, job=job).effects == ()
    assert not any(send.is_ai for send in story.now.sends)


def test_r5_an_answer_that_is_written_but_not_sent_yet_is_withdrawn() -> None:
    story = Story(Source.INSTAGRAM)
    job = story.ask_and_start("قیمت؟", 0)
    story.ai_writes("۹۸ هزار تومان", 3, job=job)
    story.operator_answers("صبر کنید", 3.5)
    assert ("ai_replies_dropped_total", "operator_answered") in story.counted
    story.send_timer_fires(3.5)
    (command,) = [effect for effect in story.effects if isinstance(effect, DeliverPart)]
    assert command.send.content == "صبر کنید"


def test_r6_a_campaign_that_crashed_leaves_nobody_waiting_unseen() -> None:
    story = Story()
    story.customer_writes("سلام", 0)
    story.set_status(Status.MARKETING_ACTIVE, 1)
    story.customer_writes("قیمت؟", 2)
    assert story.now.needs_operator
    story.redirect(Destination.AI, 3)
    assert story.now.ai_may_answer
    assert SetTimer(TimerKind.REPLY, at(5)) in story.effects


def test_r7_the_debounce_is_a_timer_that_nobody_sleeps_for() -> None:
    story = Story()
    decision = story.customer_writes("سلام", 0)
    stored = [
        effect for effect in decision.effects if isinstance(effect, RecordMessage)
    ]
    assert [message.author for message in stored] == [Author.CUSTOMER]
    assert SetTimer(TimerKind.REPLY, at(2)) in decision.effects
