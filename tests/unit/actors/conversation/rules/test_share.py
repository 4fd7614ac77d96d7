"""SPEC 1a: a shared post waits for one question and is never answered by itself."""

from dataclasses import replace
from datetime import timedelta

import pytest

from actors.conversation.effects import (
    BlankMessages,
    CancelReply,
    ClearTimer,
    LogName,
    SetTimer,
    StartReply,
)
from actors.conversation.events import CustomerShared, share_message_id
from actors.conversation.rules.placeholders import Note, describe_act
from actors.conversation.rules.policy import Policy
from actors.conversation.rules.share import combine
from actors.conversation.state import (
    Destination,
    MessageType,
    Processing,
    Source,
    Status,
    TimerKind,
)
from persistence.ids import MessageId
from tests.support.conversation.conversations import Story, at

DRESS = "عنوان: مانتو نخی\nلینک: https://cdn/1"
SCARF = "عنوان: شال"
DETECTED = "⏳ Instagram share detected - waiting for follow-up question"
COMBINED = "✅ Combined share + question for AI processing"


def instagram() -> Story:
    return Story(Source.INSTAGRAM)


def begun(story: Story) -> StartReply:
    """Return the answer that the last event began."""
    (command,) = [effect for effect in story.effects if isinstance(effect, StartReply)]
    return command


def test_a_share_is_stored_completed_and_waits_for_its_question() -> None:
    story = instagram()
    share = story.customer_shares(DRESS, 0)
    message = story.recorded
    assert (message.id, message.content) == (share, DRESS)
    assert message.message_type is MessageType.SHARE
    assert message.processing is Processing.COMPLETED
    assert [media.media_id for media in message.media] == ["ig-s1"]
    pending = story.now.pending_share
    assert pending is not None
    assert (pending.message_id, pending.media_id) == (share, "ig-s1")
    assert pending.due_at == at(120)
    assert SetTimer(TimerKind.SHARE, at(120)) in story.effects
    assert story.logged(LogName.CONVERSATION) == [DETECTED]
    assert story.counted == [("share_messages_total", "")]


def test_a_share_alone_is_no_question() -> None:
    story = instagram()
    story.customer_shares(DRESS, 0)
    assert story.now.reply is None
    assert story.now.questions == ()


def test_a_text_takes_the_share_with_it() -> None:
    story = instagram()
    story.customer_shares(DRESS, 0)
    story.customer_writes("این چنده؟", 30, "m1")
    assert story.now.pending_share is None
    assert ClearTimer(TimerKind.SHARE) in story.effects
    assert story.logged(LogName.CONVERSATION) == [COMBINED]
    assert story.counted == [
        ("pending_share_lookups_total", "hit"),
        ("share_combined_total", ""),
    ]
    story.reply_timer_fires(32)
    command = begun(story)
    assert command.questions == (story.message_of("m1"),)
    assert command.share == DRESS


def test_the_combination_is_the_contract_s_to_the_letter() -> None:
    story = instagram()
    story.customer_shares(DRESS, 0)
    story.customer_writes("این چنده؟", 30)
    assert story.recorded.content == "این چنده؟"
    assert story.recorded.combined_content == (
        "[CONTEXT: پست/ریلز اینستاگرام که کاربر فرستاده]\n"
        "عنوان: مانتو نخی\nلینک: https://cdn/1\n"
        "[/CONTEXT]\n\n[سوال کاربر]:\nاین چنده؟"
    )


@pytest.mark.parametrize("text", ["{share}", "{0}", "%s", "{", "[متن]"])
def test_signs_in_a_text_or_a_caption_are_only_signs(text: str) -> None:
    assert text in combine(text, "چند؟")
    assert combine("x", text).endswith(text)


def test_a_text_without_a_share_is_a_miss() -> None:
    story = instagram()
    story.customer_writes("سلام", 0)
    assert story.counted == [("pending_share_lookups_total", "miss")]
    assert story.recorded.combined_content is None


def test_a_share_that_nobody_asks_about_is_forgotten_without_a_word() -> None:
    story = instagram()
    share = story.customer_shares(DRESS, 0)
    story.share_timer_fires(120, due=120)
    assert story.now.pending_share is None
    assert story.effects[0] == ClearTimer(TimerKind.SHARE)
    assert story.logged(LogName.CONVERSATION) == [
        f"⏰ Timeout for share {share} - no question received, "
        "cleared cache (no AI response)"
    ]
    assert story.counted == [("share_timeouts_total", "")]
    assert story.now.reply is None
    story.customer_writes("این چنده؟", 121)
    assert story.recorded.combined_content is None


def test_the_time_out_is_the_policy_s() -> None:
    policy = Policy(share_timeout=timedelta(seconds=7))
    story = Story(Source.INSTAGRAM, policy=policy)
    story.customer_shares(DRESS, 0)
    assert SetTimer(TimerKind.SHARE, at(7)) in story.effects


def test_a_later_share_takes_the_place_of_the_earlier() -> None:
    story = instagram()
    story.customer_shares(DRESS, 0, "s1")
    second = story.customer_shares(SCARF, 60, "s2")
    assert story.now.pending_share is not None
    assert story.now.pending_share.message_id == second
    assert SetTimer(TimerKind.SHARE, at(180)) in story.effects
    story.customer_writes("این یکی چنده؟", 90)
    story.reply_timer_fires(92)
    assert begun(story).share == SCARF


def test_each_question_of_a_burst_keeps_its_own_share() -> None:
    story = instagram()
    story.customer_shares(DRESS, 0, "s1")
    story.customer_writes("این چنده؟", 0.5, "m1")
    story.customer_shares(SCARF, 1, "s2")
    story.customer_writes("و این؟", 1.5, "m2")
    story.reply_timer_fires(3.5)
    assert begun(story).share == f"{DRESS}\n\n{SCARF}"
    story.ai_writes("…", 4, job=story.running_job())
    assert story.now.combined == ()


@pytest.mark.parametrize(
    "kind", [MessageType.IMAGE, MessageType.VOICE, MessageType.VIDEO]
)
def test_pictures_and_voices_leave_the_share_waiting(kind: MessageType) -> None:
    story = instagram()
    story.customer_shares(DRESS, 0)
    story.customer_sends(kind, 10)
    assert story.now.pending_share is not None
    assert story.counted == []
    story.customer_writes("این چنده؟", 20)
    assert story.recorded.combined_content is not None


@pytest.mark.parametrize("source", [Source.TELEGRAM, Source.WEBSITE])
def test_other_channels_know_no_shares(source: Source) -> None:
    story = Story(source)
    story.customer_writes("سلام", 0)
    assert story.counted == []
    story.customer_shares(DRESS, 1)
    assert story.now.pending_share is None
    story.customer_writes("چنده؟", 2)
    assert story.recorded.combined_content is None


@pytest.mark.parametrize("status", [Status.SUPPORT_ACTIVE, Status.MARKETING_ACTIVE])
def test_while_a_person_owns_the_conversation_a_share_waits_for_nothing(
    status: Status,
) -> None:
    story = instagram()
    story.customer_writes("سلام", 0)
    story.set_status(status, 1)
    story.customer_shares(DRESS, 2)
    assert story.now.pending_share is None
    assert story.now.needs_operator
    assert story.logged(LogName.CONVERSATION) == []
    assert not any(isinstance(effect, SetTimer) for effect in story.effects)
    assert story.counted == [("share_messages_total", "")]


@pytest.mark.parametrize("way", ["redirect", "answer", "echo", "close"])
def test_a_share_that_waits_is_dropped_when_a_person_takes_over(way: str) -> None:
    story = instagram()
    story.customer_shares(DRESS, 0)
    match way:
        case "redirect":
            story.redirect(Destination.SALES, 10)
        case "answer":
            story.operator_answers("بله؟", 10)
        case "echo":
            story.echo_arrives("بله؟", 10, "mid.owner")
        case _:
            story.set_status(Status.CLOSED, 10)
    assert story.now.pending_share is None
    assert ClearTimer(TimerKind.SHARE) in story.effects
    assert story.share_timer_fires(120, due=120).effects == ()


def test_a_question_keeps_its_share_while_a_person_does_not_answer_it() -> None:
    story = instagram()
    story.customer_shares(DRESS, 0)
    story.customer_writes("این چنده؟", 1)
    story.redirect(Destination.SALES, 2)
    story.redirect(Destination.AI, 60)
    story.reply_timer_fires(62)
    assert begun(story).share == DRESS


def test_a_share_does_not_stop_the_answer_to_an_earlier_text() -> None:
    story = instagram()
    job = story.ask_and_start("ارسال دارید؟", 0)
    story.customer_shares(DRESS, 3)
    assert CancelReply(job) not in story.effects
    assert story.ai_writes("بله", 4, job=job).effects != ()
    assert story.now.pending_share is not None


def test_a_share_reopens_what_was_closed() -> None:
    story = instagram()
    story.customer_writes("سلام", 0)
    story.set_status(Status.CLOSED, 1)
    story.customer_shares(DRESS, 100)
    assert story.now.status is Status.ACTIVE
    assert story.now.pending_share is not None


def share_two(story: Story, seconds: float, mid: str = "s1") -> list[MessageId]:
    """Let the customer send two posts in one message."""
    for part, content in enumerate((DRESS, SCARF)):
        event_id = share_message_id(story.id, mid, part)
        inbound = story.inbound_head(event_id, seconds, mid)
        story.apply(CustomerShared(**inbound, content=content, part=part))
    return [MessageId(share_message_id(story.id, mid, part)) for part in range(2)]


def test_a_question_is_about_all_posts_of_one_message() -> None:
    story = instagram()
    _, last = share_two(story, 0)
    assert story.recorded.content == SCARF
    story.customer_writes("کدوم ارزون‌تره؟", 5, "m1")
    assert story.recorded.combined_content == combine(
        f"{DRESS}\n{SCARF}", "کدوم ارزون‌تره؟"
    )
    story.reply_timer_fires(7)
    assert begun(story).share == f"{DRESS}\n{SCARF}"
    assert [share.share for share in story.now.combined] == [last]


def test_posts_of_two_messages_still_replace_each_other() -> None:
    story = instagram()
    share_two(story, 0)
    story.customer_shares("عنوان: کیف", 5, "s2")
    pending = story.now.pending_share
    assert pending is not None
    assert pending.content == "عنوان: کیف"


def test_all_posts_of_an_unsent_message_are_blanked() -> None:
    story = instagram()
    shares = share_two(story, 0)
    story.customer_writes("چنده؟", 1, "m1")
    story.is_unsent("s1", 2)
    (blanked,) = [one for one in story.effects if isinstance(one, BlankMessages)]
    assert set(shares) <= set(blanked.ids)
    assert story.now.combined == ()


@pytest.mark.parametrize("source", Source)
@pytest.mark.parametrize(
    "text",
    [
        "این چیه؟\n[پیوست از نوع ephemeral]",
        f"{Note.PAYMENT} 120 XTR order-17",
        Note.NOT_SHOWN,
        describe_act("hologram"),
    ],
)
def test_what_can_not_be_shown_calls_an_operator_at_once(
    source: Source, text: str
) -> None:
    story = Story(source)
    story.customer_writes(text, 0)
    assert story.now.needs_operator
    assert story.now.ai_may_answer


def test_an_ad_is_no_post_and_neither_is_a_post_with_an_ad() -> None:
    story = instagram()
    ad = CustomerShared(
        **story.inbound_head(share_message_id(story.id, "a1"), 0, "a1"),
        content=SCARF,
        is_post=False,
    )
    story.apply(ad)
    story.customer_writes("چنده؟", 1, "m1")
    expected = combine(SCARF, "چنده؟", is_post=False)
    assert "اینستاگرام" not in expected
    assert story.recorded.combined_content == expected
    story.reply_timer_fires(3)
    assert begun(story).share == SCARF
    assert not begun(story).is_post
    story.ai_writes("صد تومن", 4, job=story.running_job())
    story.customer_shares(DRESS, 5, "s2")
    event_id = share_message_id(story.id, "s2", 1)
    head = story.inbound_head(event_id, 5, "s2")
    story.apply(replace(ad, **head, part=1))
    story.customer_writes("این چی؟", 6, "m2")
    story.reply_timer_fires(8)
    assert begun(story).share == f"{DRESS}\n{SCARF}"
    assert not begun(story).is_post


def test_a_post_is_handed_over_as_one() -> None:
    story = instagram()
    story.customer_shares(DRESS, 0)
    story.customer_writes("چنده؟", 1, "m1")
    story.reply_timer_fires(3)
    assert begun(story).is_post
