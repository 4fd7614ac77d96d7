"""Sending: in order, again on failure, once where it can be known."""

from dataclasses import replace
from datetime import timedelta

from actors.conversation.effects import (
    ClearTimer,
    DeliverPart,
    RecordMessage,
    RecordSend,
    SetTimer,
)
from actors.conversation.state import Author, Delivery, Source, Status, TimerKind
from tests.support.conversation.conversations import POLICY, Story, at


def answered(text: str = "سلام!") -> Story:
    """Tell a story up to the answer being queued for Instagram."""
    story = Story(Source.INSTAGRAM)
    story.customer_writes("سلام", 0)
    story.reply_timer_fires(2)
    story.ai_writes(text, 3, job=story.running_job())
    return story


def test_an_answer_is_queued_and_sent_after_the_commit() -> None:
    story = answered()
    assert SetTimer(TimerKind.SEND, at(3)) in story.effects
    assert not any(isinstance(effect, DeliverPart) for effect in story.effects)
    story.send_timer_fires(3)
    assert story.now.sends[0].delivery is Delivery.SENDING
    assert DeliverPart(story.now.sends[0]) in story.effects


def test_a_delivered_part_is_done() -> None:
    story = answered()
    story.send_timer_fires(3)
    story.part_is_delivered("mid.1", 4)
    assert story.now.sends == ()
    assert story.now.recent_mids == ("mid.1",)
    assert ClearTimer(TimerKind.SEND) in story.effects


def test_a_temporary_no_is_tried_again_later() -> None:
    story = answered()
    story.send_timer_fires(3)
    story.part_is_refused(4, reason="429", retry_after=timedelta(seconds=17))
    assert story.now.sends[0].delivery is Delivery.QUEUED
    assert SetTimer(TimerKind.SEND, at(21)) in story.effects


def test_a_plain_no_fails_the_message_and_calls_a_person() -> None:
    story = answered()
    story.send_timer_fires(3)
    story.part_is_refused(4, reason="blocked", permanent=True)
    assert story.now.sends == ()
    assert story.now.needs_operator
    (record,) = [e for e in story.effects if isinstance(e, RecordSend)]
    assert record.send.delivery is Delivery.FAILED


def test_attempts_are_not_endless() -> None:
    story = answered()
    seconds = 3.0
    while story.now.sends:
        story.send_timer_fires(seconds)
        story.part_is_refused(seconds, reason="500")
        seconds += 400
    assert story.now.needs_operator
    assert seconds == 3 + 400 * POLICY.max_send_attempts


def test_an_echo_settles_an_unknown_outcome_before_anything_is_sent_again() -> None:
    story = answered("سلام!")
    story.send_timer_fires(3)
    story.part_is_lost(23)
    assert story.now.sends[0].delivery is Delivery.UNKNOWN
    story.echo_arrives("سلام!", 25, "mid.9")
    assert story.now.sends == ()
    assert story.now.status is Status.ACTIVE


def test_our_own_echo_is_known_by_its_mid() -> None:
    story = answered()
    story.send_timer_fires(3)
    story.part_is_delivered("mid.1", 4)
    assert story.echo_arrives("سلام!", 5, "mid.1").effects == ()
    assert story.now.ai_may_answer


def test_an_echo_that_we_did_not_send_is_the_owner_s_answer() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_writes("سلام", 0)
    story.echo_arrives("خودم جواب می‌دم", 1, "mid.owner")
    (message,) = [e for e in story.effects if isinstance(e, RecordMessage)]
    assert message.author is Author.SUPPORT
    assert story.now.status is Status.SUPPORT_ACTIVE
    assert story.now.reply is None


def test_a_send_that_died_with_its_process_is_doubted_then_sent_again() -> None:
    story = answered()
    story.send_timer_fires(3)
    story.send_timer_fires(33)
    assert [send.delivery for send in story.now.sends] == [Delivery.UNKNOWN]
    story.send_timer_fires(63)
    assert [send.delivery for send in story.now.sends] == [Delivery.SENDING]
    assert story.now.sends[0].attempts == 2


def test_parts_of_a_long_answer_go_out_in_order_one_at_a_time() -> None:
    story = answered("کلمه " * 300)
    parts = [send.part for send in story.now.sends]
    assert parts == list(range(len(parts)))
    assert len(parts) > 1
    story.send_timer_fires(3)
    under_way = [s for s in story.now.sends if s.delivery is Delivery.SENDING]
    assert len(under_way) == 1


def test_backoff_doubles_up_to_its_limit() -> None:
    story = answered()
    story.policy = replace(POLICY, max_send_attempts=21)
    pauses, seconds = [], 3.0
    for _ in range(20):
        story.send_timer_fires(seconds)
        story.part_is_refused(seconds)
        due_s = (story.now.sends[0].due_at - at(0)).total_seconds()
        pauses.append(due_s - seconds)
        seconds = due_s
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, *[300] * 12]


def test_waiting_for_a_paused_channel_is_no_failed_attempt() -> None:
    story = answered()
    for hour in range(20):
        story.send_timer_fires(3600 * hour)
        story.part_is_refused(
            3600 * hour,
            reason="the channel is paused",
            retry_after=timedelta(minutes=1),
            is_held=True,
        )
    assert [send.attempts for send in story.now.sends] == [0]


def test_a_paused_channel_is_looked_at_ever_more_rarely() -> None:
    story = answered()
    pauses, seconds = [], 3.0
    for _ in range(5):
        story.send_timer_fires(seconds)
        minute = timedelta(minutes=1)
        story.part_is_refused(seconds, retry_after=minute, is_held=True)
        due_s = (story.now.sends[0].due_at - at(0)).total_seconds()
        pauses.append(due_s - seconds)
        seconds = due_s
    # Never more than five minutes: should nobody tell it that the pause has ended.
    assert pauses == [60, 120, 240, 300, 300]


def test_the_end_of_a_pause_is_not_waited_for() -> None:
    story = answered()
    for seconds in (3, 63):
        story.send_timer_fires(seconds)
        story.part_is_refused(seconds, retry_after=timedelta(minutes=1), is_held=True)
    decision = story.channel_resumes(70)
    assert decision.effects == (SetTimer(TimerKind.SEND, at(70)),)
    started = story.send_timer_fires(70)
    assert any(isinstance(effect, DeliverPart) for effect in started.effects)
    # The next pause is looked at as often as the first was.
    story.part_is_refused(70, retry_after=timedelta(minutes=1), is_held=True)
    assert story.now.sends[0].due_at == at(130)


def test_the_end_of_a_pause_hurries_nothing_else() -> None:
    story = answered()
    story.send_timer_fires(3)
    under_way = story.channel_resumes(4)
    story.part_is_refused(5, retry_after=timedelta(minutes=20))
    put_off = story.channel_resumes(6)
    assert (under_way.effects, put_off.effects) == ((), ())
    assert story.now.sends[0].due_at == at(1205)
    silent = Story()
    silent.customer_writes("سلام", 0)
    assert silent.channel_resumes(1).effects == ()


def test_a_limit_is_waited_out_ever_more_patiently_and_fails_nothing() -> None:
    story = answered()
    pauses, seconds = [], 3.0
    for _ in range(20):
        story.send_timer_fires(seconds)
        story.part_is_refused(
            seconds, retry_after=timedelta(seconds=15), is_limited=True
        )
        due_s = (story.now.sends[0].due_at - at(0)).total_seconds()
        pauses.append(due_s - seconds)
        seconds = due_s
    assert pauses == [15, 30, 60, 120, 240, *[300] * 15]
    assert [send.attempts for send in story.now.sends] == [0]


def test_the_end_of_a_pause_does_not_hurry_a_limit() -> None:
    story = answered()
    story.send_timer_fires(3)
    story.part_is_refused(3, retry_after=timedelta(minutes=20), is_limited=True)
    assert story.channel_resumes(4).effects == ()
    assert story.now.sends[0].due_at == at(1203)


def test_a_longer_wish_of_the_platform_is_kept() -> None:
    story = answered()
    story.send_timer_fires(3)
    story.part_is_refused(3, retry_after=timedelta(minutes=20))
    assert story.now.sends[0].due_at == at(1203)


def test_a_part_that_found_no_place_tries_again_soon() -> None:
    story = answered()
    seconds = 3.0
    for _ in range(4):
        story.send_timer_fires(seconds)
        story.part_is_refused(seconds, is_held=True)
        due_s = (story.now.sends[0].due_at - at(0)).total_seconds()
        assert due_s - seconds == 1
        seconds = due_s
