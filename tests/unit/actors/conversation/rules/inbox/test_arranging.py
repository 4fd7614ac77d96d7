"""Assigning and snoozing, event by event; seconds after noon."""

import pytest

from actors.conversation.codec import decode_state, encode_state
from actors.conversation.effects import ClearTimer, Decision, SetTimer
from actors.conversation.errors import InvalidEventError
from actors.conversation.events import (
    ConversationAssigned,
    ConversationSnoozed,
    SnoozeFellDue,
)
from actors.conversation.state import Source, Status, TimerKind
from persistence.ids import UserId
from tests.support.conversation.conversations import OPERATOR, Story, at

SET = SetTimer(TimerKind.SNOOZE, at(3600))
CLEARED = ClearTimer(TimerKind.SNOOZE)


def snooze(story: Story, seconds: float, until: float | None) -> Decision:
    return story.apply(
        ConversationSnoozed(
            **story.head(seconds),
            user_id=OPERATOR,
            until=None if until is None else at(until),
        )
    )


def assign(story: Story, assignee_id: UserId | None) -> Decision:
    return story.apply(
        ConversationAssigned(**story.head(9), user_id=OPERATOR, assignee_id=assignee_id)
    )


def put_aside(source: Source = Source.WEBSITE) -> Story:
    """Return a conversation that was answered, and put aside for an hour."""
    story = Story(source)
    story.customer_writes("سلام", 0)
    story.operator_answers("فردا خبر می‌دهم", 5)
    assert snooze(story, 10, 3600).effects == (SET,)
    assert story.now.inbox.snoozed_until == at(3600)
    return story


def test_at_its_time_the_conversation_needs_a_person_again() -> None:
    story = put_aside()
    assert not story.now.needs_operator
    due = SnoozeFellDue(**story.head(3600), due_at=at(3600))
    assert story.apply(due).effects == (CLEARED,)
    assert story.now.needs_operator
    assert story.now.inbox.snoozed_until is None
    assert story.now.inbox.waiting_since == at(3600)


def test_the_timer_of_a_snooze_that_is_over_does_nothing() -> None:
    story = put_aside()
    snooze(story, 20, 7200)
    story.apply(SnoozeFellDue(**story.head(3600), due_at=at(3600)))
    assert story.now.inbox.snoozed_until == at(7200)
    assert not story.now.needs_operator


def test_the_customers_message_ends_a_snooze() -> None:
    story = put_aside()
    assert CLEARED in story.customer_writes("خبری نشد؟", 60).effects
    assert story.now.inbox.snoozed_until is None
    story = put_aside(Source.INSTAGRAM)
    story.customer_shares("کپشن: مانتو", 60)
    assert CLEARED in story.effects


def test_our_own_messages_leave_a_snooze() -> None:
    story = put_aside()
    story.operator_answers("هنوز نه", 60)
    assert story.now.inbox.snoozed_until == at(3600)


def test_closing_ends_a_snooze_and_what_is_closed_has_none() -> None:
    story = put_aside()
    assert CLEARED in story.set_status(Status.CLOSED, 60).effects
    with pytest.raises(InvalidEventError, match="closed"):
        snooze(story, 70, 3600)
    assert snooze(story, 80, None).effects == ()


@pytest.mark.parametrize("until", [None, 20, 15])
def test_an_operator_ends_a_snooze(until: float | None) -> None:
    story = put_aside()
    assert snooze(story, 20, until).effects == (CLEARED,)
    assert not story.now.needs_operator


def test_a_conversation_is_given_to_a_person_and_to_nobody() -> None:
    story = put_aside()
    before = story.now
    assert assign(story, OPERATOR).effects == ()
    assert story.now.inbox.assignee_id == OPERATOR
    assert decode_state(encode_state(story.now)) == story.now
    assert story.now.status is before.status
    assign(story, None)
    assert story.now.inbox == before.inbox
