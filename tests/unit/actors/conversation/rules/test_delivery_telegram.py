"""The rules on Telegram: no echo acknowledges a part; numbers order messages."""

from dataclasses import replace
from datetime import timedelta

import pytest

from actors.conversation.effects import DeliverPart, RecordMessage, RecordSend
from actors.conversation.state import Delivery, Source
from persistence.ids import SendId
from tests.support.conversation.conversations import Story, at

LONG = "کلمه " * 2000


def under_way(text: str = "سلام!") -> Story:
    """Tell a story up to the answer's first part being sent over Telegram."""
    story = Story(Source.TELEGRAM)
    story.customer_writes("سلام", 0)
    story.reply_timer_fires(2)
    story.ai_writes(text, 3, job=story.running_job())
    story.send_timer_fires(3)
    return story


def lose_outcome(story: Story, seconds: float) -> None:
    """Let the answer to the call under way never come."""
    story.part_is_lost(seconds)


def records(story: Story) -> list[tuple[int, Delivery]]:
    """Return what was noted of parts, in order."""
    return [
        (effect.send.part, effect.send.delivery)
        for effect in story.effects
        if isinstance(effect, RecordSend)
    ]


def test_d5_a_lost_part_stays_unknown_and_a_person_is_called() -> None:
    story = under_way()
    lose_outcome(story, 23)
    assert records(story) == [(0, Delivery.UNKNOWN)]
    assert story.now.sends == ()
    assert story.now.needs_operator


def test_d5_a_sender_that_died_leaves_its_part_unknown() -> None:
    story = under_way()
    story.send_timer_fires(33)
    assert records(story) == [(0, Delivery.UNKNOWN)]
    assert not any(isinstance(effect, DeliverPart) for effect in story.effects)


def test_what_follows_a_lost_part_is_not_sent_without_it() -> None:
    story = under_way(LONG)
    assert len(story.now.sends) == 3
    lose_outcome(story, 23)
    assert records(story) == [
        (0, Delivery.UNKNOWN),
        (1, Delivery.FAILED),
        (2, Delivery.FAILED),
    ]


def test_the_next_message_goes_on_after_a_lost_one() -> None:
    story = under_way()
    story.operator_answers("من هستم", 4)
    lose_outcome(story, 23)
    (following,) = story.now.sends
    assert (following.content, following.due_at) == ("من هستم", at(23))


def test_a_person_may_send_it_again() -> None:
    story = under_way()
    message = story.now.sends[0].message_id
    lose_outcome(story, 23)
    story.operator_retries(message, 60)
    story.send_timer_fires(60)
    assert story.now.sends[0].delivery is Delivery.SENDING


def come_back(story: Story, send_id: SendId, seconds: float) -> None:
    """Let the answer to an old call come after all."""
    story.part_is_delivered("77", seconds, send_id=send_id)


def test_a_dead_letter_whose_call_comes_back_late_is_no_letter_any_more() -> None:
    story = under_way()
    part = story.now.sends[0].id
    lose_outcome(story, 23)
    come_back(story, part, 50)
    assert story.now.dead == ()
    assert records(story) == [(0, Delivery.SENT)]


def test_what_was_queued_again_is_not_sent_once_its_old_call_comes_back() -> None:
    story = under_way()
    part, message = story.now.sends[0].id, story.now.sends[0].message_id
    story.operator_answers("من هستم", 4)
    lose_outcome(story, 23)
    story.operator_retries(message, 30)
    assert [send.content for send in story.now.sends] == ["من هستم", "سلام!"]
    come_back(story, part, 50)
    assert [send.content for send in story.now.sends] == ["من هستم"]


def test_retry_after_is_waited_for_to_the_second() -> None:
    story = under_way()
    story.part_is_refused(4, reason="HTTP 429", retry_after=timedelta(seconds=37))
    assert story.now.sends[0].due_at == at(41)


def test_d5_parts_are_cut_at_4096_utf16_units() -> None:
    emoji = "🌷" * 3000
    story = under_way(emoji)
    parts = [send.content for send in story.now.sends]
    assert "".join(parts) == emoji
    assert [len(part.encode("utf-16-le")) // 2 for part in parts] == [4096, 1904]


def write(story: Story, order: int, seconds: float) -> RecordMessage:
    """Let an update of this number arrive."""
    event = story.customer_event(f"text {order}", seconds, f"bot:{order}")
    story.apply(replace(event, order=order))
    (message,) = [
        effect for effect in story.effects if isinstance(effect, RecordMessage)
    ]
    return message


def test_updates_that_overtook_each_other_are_put_in_order() -> None:
    story = Story(Source.TELEGRAM)
    places = {order: write(story, order, 0.1 * order) for order in (13, 11, 14, 12)}
    positions = [places[order].position for order in sorted(places)]
    assert positions == sorted(positions)
    assert story.now.questions == tuple(places[order].id for order in sorted(places))
    assert story.now.last_message_id == places[14].id


@pytest.mark.parametrize("days", [3, 8, 400])
def test_after_a_long_silence_numbers_may_start_anywhere(days: int) -> None:
    story = Story(Source.TELEGRAM)
    old = write(story, 900_000, 0)
    new = write(story, 5, timedelta(days=days).total_seconds())
    assert new.position > old.position
    assert story.now.questions == (old.id, new.id)
    assert story.now.last_message_id == new.id
