"""Messages stand in the order in which they were written, not in which they arrived."""

from itertools import permutations

import pytest

from actors.conversation.effects import RecordMessage, StartReply
from actors.conversation.rules.ordering import MAX_POSITIONS
from actors.conversation.state import Source
from tests.support.conversation.conversations import Story


def receive(orders: tuple[int, ...]) -> tuple[Story, dict[int, RecordMessage]]:
    """Let updates arrive in this order; return each one's message."""
    story = Story(Source.TELEGRAM)
    stored = {}
    for second, order in enumerate(orders):
        event = story.customer_event(f"{order}", second / 10, f"m{order}", order=order)
        story.apply(event)
        stored[order] = story.recorded
    return story, stored


@pytest.mark.parametrize("orders", list(permutations((7, 8, 9, 10))))
def test_whatever_arrives_first_they_stand_and_are_asked_as_written(
    orders: tuple[int, ...],
) -> None:
    story, stored = receive(orders)
    positions = sorted(orders, key=lambda order: stored[order].position)
    assert positions == [7, 8, 9, 10]
    story.reply_timer_fires(5)
    (order,) = [effect for effect in story.effects if isinstance(effect, StartReply)]
    assert order.questions == tuple(stored[number].id for number in (7, 8, 9, 10))
    assert story.now.last_message_id == stored[10].id


def test_ten_late_ones_still_fit_between_two() -> None:
    orders = (1, *range(12, 1, -1))
    _, stored = receive(orders)
    positions = [stored[order].position for order in sorted(orders)]
    assert positions == sorted(set(positions))


def test_what_was_stored_before_keeps_its_place() -> None:
    story = Story(Source.TELEGRAM)
    story.apply(story.customer_event("الف", 0, "m5", order=5))
    story.operator_answers("بله؟", 1)
    answered = story.recorded.position
    story.apply(story.customer_event("پ", 2, "m7", order=7))
    later = story.recorded.position
    story.apply(story.customer_event("ب", 3, "m6", order=6))
    assert answered < story.recorded.position < later


def test_the_memory_of_places_is_bounded() -> None:
    story, _ = receive(tuple(range(1, MAX_POSITIONS * 2)))
    assert len(story.now.positions) == MAX_POSITIONS


def test_without_a_number_the_order_of_arrival_counts() -> None:
    story = Story()
    story.customer_writes("الف", 0)
    first = story.recorded.position
    story.customer_writes("ب", 1)
    assert first < story.recorded.position
    assert story.now.positions == ()
