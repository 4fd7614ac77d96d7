"""TRAPS D1 to D6: messages are sent once, to their customer, and known by their mid."""

from datetime import timedelta

import pytest

from actors.conversation.effects import (
    DeliverPart,
    RecordMessage,
    RecordSend,
    SetTimer,
)
from actors.conversation.errors import InvalidEventError
from actors.conversation.rules.delivery import TAKEN_OVER_UNKNOWN
from actors.conversation.rules.splitting import split_for
from actors.conversation.state import (
    MAX_DEAD_PARTS,
    Author,
    Delivery,
    Source,
    Status,
    TimerKind,
)
from persistence.ids import SendId
from tests.support.conversation.conversations import Story, at


def answered(text: str = "سلام!") -> Story:
    """Tell a story up to the answer being under way."""
    story = Story(Source.INSTAGRAM)
    job = story.ask_and_start("سلام", 0)
    story.ai_writes(text, 3, job=job)
    story.send_timer_fires(3)
    return story


def delivered(story: Story) -> list[DeliverPart]:
    return [effect for effect in story.effects if isinstance(effect, DeliverPart)]


def test_d1_the_owner_who_says_what_we_said_is_still_the_owner() -> None:
    story = answered("بله موجوده")
    story.part_is_delivered("mid.1", 4)
    story.echo_arrives("بله موجوده", 5, "mid.owner")
    assert story.recorded.author is Author.SUPPORT
    assert story.now.status is Status.SUPPORT_ACTIVE


def test_d1_an_echo_is_ours_by_its_mid_whatever_it_says() -> None:
    story = answered("سلام!")
    story.part_is_delivered("mid.1", 4)
    assert story.echo_arrives("متنی دیگر", 5, "mid.1").effects == ()


def test_d1_an_echo_that_overtakes_our_own_answer_is_ours() -> None:
    story = answered()
    story.echo_arrives("سلام!", 3.5, "mid.1")
    assert story.now.sends == ()
    story.part_is_delivered("mid.1", 4, send_id=_last_send(story))
    assert story.effects == ()
    assert story.now.ai_may_answer


def test_d1_the_platforms_own_word_corrects_what_an_echo_made_us_assume() -> None:
    story = answered()
    story.echo_arrives("سلام!", 3.5, "mid.owner")
    story.part_is_delivered("mid.ours", 4, send_id=_last_send(story))
    assert story.recorded.author is Author.SUPPORT
    assert story.recorded.mid == "mid.owner"
    assert not story.now.ai_may_answer
    assert story.echo_arrives("سلام!", 5, "mid.ours").effects == ()


def test_what_we_took_for_our_echo_and_was_unsent_meanwhile_is_kept_blank() -> None:
    story = answered()
    story.echo_arrives("سلام!", 3.5, "mid.owner")
    story.is_unsent("mid.owner", 3.7, is_ours=True)
    story.part_is_delivered("mid.ours", 4, send_id=_last_send(story))
    assert (story.recorded.content, story.recorded.is_unsent) == ("", True)
    assert not story.now.ai_may_answer


def _last_send(story: Story) -> SendId:
    """Return the part that the echo was taken for."""
    assert story.now.assumed is not None
    return story.now.assumed.send_id


def test_d1_the_echo_of_a_second_attempt_is_ours_too() -> None:
    story = answered()
    send = story.now.sends[0].id
    story.send_timer_fires(33)
    story.send_timer_fires(63)
    # The first call comes back after all, then the second.
    story.part_is_delivered("mid.1", 64, send_id=send)
    story.part_is_delivered("mid.2", 65, send_id=send)
    assert story.echo_arrives("سلام!", 66, "mid.2").effects == ()
    assert story.now.ai_may_answer


def test_d4_what_is_sent_is_what_was_written_whatever_the_customer_said_since() -> None:
    story = Story(Source.INSTAGRAM)
    job = story.ask_and_start("قیمت؟", 0)
    story.ai_writes("صد تومن", 3, job=job)
    message = story.recorded.id
    story.customer_writes("گرونه", 3.1)
    story.send_timer_fires(3.2)
    (order,) = delivered(story)
    assert (order.send.message_id, order.send.content) == (message, "صد تومن")


def test_d5_a_time_out_sends_nothing_again_before_its_echo_could_come() -> None:
    story = answered()
    story.part_is_lost(23)
    assert delivered(story) == []
    assert story.now.sends[0].delivery is Delivery.UNKNOWN
    assert SetTimer(TimerKind.SEND, at(53)) in story.effects
    story.echo_arrives("سلام!", 40, "mid.1")
    assert story.now.sends == ()
    assert story.send_timer_is_stale(53, due=53)


def test_d5_a_long_answer_is_cut_at_words_to_the_platforms_limit() -> None:
    text = "پیراهن‌های نخی تابستانه " * 80
    parts = split_for(Source.INSTAGRAM, text)
    assert len(parts) > 1
    assert all(len(part.encode()) <= 1000 for part in parts)
    assert " ".join(parts).split() == text.split()


def test_d5_signs_of_html_arrive_as_they_are() -> None:
    story = answered("سایز < ۴۰ & رنگ > ۲ <b>")
    assert [effect.send.content for effect in delivered(story)] == [
        "سایز < ۴۰ & رنگ > ۲ <b>"
    ]


def test_d6_a_message_has_the_id_of_its_event_and_no_short_random_one() -> None:
    story = Story(Source.INSTAGRAM)
    event = story.customer_event("سلام", 0, "m1")
    story.apply(event)
    assert story.recorded.id == event.id
    assert len(event.id.bytes) == 16


def test_a_take_over_lets_nothing_of_the_ai_out_but_what_is_under_way() -> None:
    story = answered("کلمه " * 300)
    parts = len(story.now.sends)
    story.operator_answers("خودم جواب می‌دم", 3.5)
    assert [send.is_withdrawn for send in story.now.sends] == [True, False]
    assert len(story.now.dead) == parts - 1
    story.part_is_delivered("mid.1", 4)
    record = next(effect for effect in story.effects if isinstance(effect, RecordSend))
    # Half a message is no message that was sent.
    assert not record.is_last_part
    story.send_timer_fires(4)
    (order,) = delivered(story)
    assert order.send.content == "خودم جواب می‌دم"


def test_a_part_in_doubt_is_not_sent_again_after_a_take_over() -> None:
    story = answered()
    story.part_is_lost(23)
    story.echo_arrives("خودم هستم", 24, "mid.owner")
    story.send_timer_fires(53)
    assert delivered(story) == []
    record = next(effect for effect in story.effects if isinstance(effect, RecordSend))
    assert (record.send.delivery, record.error) == (Delivery.FAILED, TAKEN_OVER_UNKNOWN)
    assert story.now.sends == ()


def test_a_withdrawn_part_that_the_platform_put_off_is_given_up() -> None:
    story = answered()
    story.operator_answers("خودم هستم", 3.5)
    story.part_is_refused(4, retry_after=timedelta(seconds=9))
    assert [send.content for send in story.now.sends] == ["خودم هستم"]
    assert not story.now.needs_operator


def test_a_dead_letter_is_sent_again_when_an_operator_wants_it() -> None:
    story = answered()
    message = story.now.sends[0].message_id
    story.part_is_refused(4, permanent=True)
    assert story.now.needs_operator
    assert [send.message_id for send in story.now.dead] == [message]
    story.operator_retries(message, 60)
    assert story.now.dead == ()
    assert not story.now.needs_operator
    assert SetTimer(TimerKind.SEND, at(60)) in story.effects
    story.send_timer_fires(60)
    assert [effect.send.attempts for effect in delivered(story)] == [1]
    story.part_is_delivered("mid.1", 61)
    (record,) = [effect for effect in story.effects if isinstance(effect, RecordSend)]
    assert record.is_last_part
    assert not any(isinstance(effect, RecordMessage) for effect in story.effects)


def test_what_did_not_fail_can_not_be_sent_again() -> None:
    story = answered()
    with pytest.raises(InvalidEventError):
        story.operator_retries(story.now.sends[0].message_id, 4)


def test_of_very_many_dead_letters_none_is_sent_again_from_its_middle() -> None:
    story = answered()
    story.part_is_refused(4, permanent=True)
    words = " ".join("x" * 900 for _ in range(MAX_DEAD_PARTS - 5))
    story.operator_answers(words, 5)
    first = story.now.sends[0].message_id
    story.send_timer_fires(5)
    story.part_is_refused(6, permanent=True)
    story.operator_answers(words, 7)
    story.send_timer_fires(7)
    second = story.now.sends[0].message_id
    story.part_is_refused(8, permanent=True)
    dead = [send.message_id for send in story.now.dead]
    assert dead == [second] * (MAX_DEAD_PARTS - 5)
    with pytest.raises(InvalidEventError):
        story.operator_retries(first, 9)


def test_the_longest_letter_is_sent_again_as_a_whole() -> None:
    story = answered()
    story.part_is_refused(4, permanent=True)
    story.operator_answers(" ".join("x" * 900 for _ in range(MAX_DEAD_PARTS + 5)), 5)
    story.send_timer_fires(5)
    story.part_is_refused(6, permanent=True)
    assert [send.part for send in story.now.dead] == [*range(MAX_DEAD_PARTS + 5)]


def test_a_dead_letter_goes_to_the_end_of_the_line() -> None:
    story = answered()
    message = story.now.sends[0].message_id
    story.part_is_refused(4, permanent=True)
    story.operator_answers("سلام", 5)
    story.operator_retries(message, 6)
    assert [send.content for send in story.now.sends] == ["سلام", "سلام!"]
