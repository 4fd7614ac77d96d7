"""The fence of people's answers, message by message."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from actors.conversation.codec import (
    decode_event,
    decode_state,
    encode_event,
    encode_state,
)
from actors.conversation.errors import NewerMessagesError
from actors.conversation.events import OperatorAnswered
from actors.conversation.state import POSITION_STEP, Source
from persistence.ids import UserId
from tests.support.conversation.conversations import OPERATOR, Story, at

COLLEAGUE = UserId(UUID(int=77))


def customer(story: Story) -> None:
    story.customer_writes("و این؟", 10)


def share(story: Story) -> None:
    story.customer_shares("کپشن: مانتو", 10)


def ai(story: Story) -> None:
    job = story.ask_and_start("و این؟", 10)
    story.ai_writes("بله", 15, job=job)


def colleague(story: Story) -> None:
    story.operator_answers("بله", 10, user_id=COLLEAGUE)


def owner(story: Story) -> None:
    story.echo_arrives("بله", 10, "e1")


@pytest.mark.parametrize("happens", [customer, share, ai, colleague, owner])
def test_an_answer_stops_at_a_message_that_was_not_seen(
    happens: Callable[[Story], object],
) -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_writes("سلام", 0)
    seen = story.now.inbox.newest_position
    happens(story)
    before = story.now
    with pytest.raises(NewerMessagesError):
        story.operator_answers("سلام!", 20, seen=seen)
    assert story.now == before
    story.operator_answers("سلام!", 21, seen=before.inbox.newest_position)


@pytest.mark.parametrize("seen", [None, POSITION_STEP, 2 * POSITION_STEP])
def test_an_answer_goes_out_when_all_was_seen_or_nothing_is_said_of_it(
    seen: int | None,
) -> None:
    story = Story()
    story.customer_writes("سلام", 0)
    assert story.now.inbox.newest_position == POSITION_STEP
    story.operator_answers("سلام!", 5, seen=seen)


def test_whoever_saw_nothing_at_all_is_stopped() -> None:
    story = Story()
    story.customer_writes("سلام", 0)
    with pytest.raises(NewerMessagesError):
        story.operator_answers("سلام!", 5, seen=0)


def test_own_answers_stop_nobody_and_those_of_others_do() -> None:
    story = Story()
    story.customer_writes("سلام", 0)
    seen = story.now.inbox.newest_position
    for seconds in (5, 6, 7):
        story.operator_answers("سلام!", seconds, seen=seen)
    with pytest.raises(NewerMessagesError):
        story.operator_answers("من هم", 8, seen=seen, user_id=COLLEAGUE)
    story.operator_answers(
        "من هم", 9, seen=story.now.inbox.newest_position, user_id=COLLEAGUE
    )
    with pytest.raises(NewerMessagesError):
        story.operator_answers("باز من", 10, seen=seen)


def test_a_customer_between_two_own_answers_stops_the_next() -> None:
    story = Story()
    story.customer_writes("سلام", 0)
    seen = story.now.inbox.newest_position
    story.operator_answers("سلام!", 5, seen=seen)
    story.customer_writes("قیمت؟", 6)
    story.operator_answers("هر چه بود", 7)  # Sent anyway.
    with pytest.raises(NewerMessagesError):
        story.operator_answers("سلام!", 8, seen=seen)


def test_a_message_that_comes_late_stands_where_its_platform_puts_it() -> None:
    story = Story(Source.TELEGRAM)
    story.apply(story.customer_event("دو", 0, "m8", order=8))
    story.operator_answers("بله", 1)
    own = story.now.inbox
    story.apply(story.customer_event("یک", 2, "m7", order=7))
    # It stands before "دو", which the operator had seen.
    assert story.now.inbox == replace(own, waiting_since=at(2))
    assert own.newest_for(OPERATOR) == POSITION_STEP


def test_the_fence_survives_storage() -> None:
    story = Story()
    story.customer_writes("سلام", 0)
    story.operator_answers("سلام!", 5, seen=POSITION_STEP)
    assert decode_state(encode_state(story.now)) == story.now
    event = OperatorAnswered(
        **story.head(9), user_id=OPERATOR, text="x", seen_position=5
    )
    assert decode_event("OperatorAnswered", encode_event(event)) == event
