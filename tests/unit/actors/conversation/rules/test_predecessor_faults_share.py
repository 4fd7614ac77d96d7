"""TRAPS S1 to S7: none of the old system's faults with shares comes back."""

from actors.conversation.effects import RecordMessage, SetTimer, StartReply
from actors.conversation.state import Destination, Source, TimerKind
from tests.support.conversation.conversations import Story, at

DRESS = "عنوان: مانتو نخی"
SCARF = "عنوان: شال"


def test_s1_the_timer_of_the_first_share_does_not_clear_the_second() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_shares(DRESS, 0, "s1")
    second = story.customer_shares(SCARF, 60, "s2")
    assert SetTimer(TimerKind.SHARE, at(180)) in story.effects
    assert story.share_timer_fires(120, due=120).effects == ()
    assert story.now.pending_share is not None
    story.share_timer_fires(180, due=180)
    assert story.now.pending_share is None
    assert str(second) in repr(story.effects)


def test_s2_of_two_quick_texts_only_the_first_absorbs_the_share() -> None:
    story = Story(Source.INSTAGRAM)
    share = story.customer_shares(DRESS, 0)
    story.customer_writes("این چنده؟", 1, "m1")
    assert story.recorded.combined_content is not None
    story.customer_writes("سایز ۴۰ دارید؟", 1, "m2")
    assert story.recorded.combined_content is None
    assert [combined.share for combined in story.now.combined] == [share]
    assert [combined.question for combined in story.now.combined] == [
        story.message_of("m1")
    ]


def test_s3_the_customers_own_text_stays_as_written() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_shares(DRESS, 0)
    story.customer_writes("این چنده؟", 1)
    assert story.recorded.content == "این چنده؟"


def test_s3_nothing_is_combined_while_a_person_owns_the_conversation() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_writes("سلام", 0)
    story.redirect(Destination.SUPPORT, 1)
    story.customer_shares(DRESS, 2)
    story.customer_writes("این چنده؟", 3)
    assert story.recorded.content == "این چنده؟"
    assert story.recorded.combined_content is None


def test_s4_a_caption_of_any_length_leaves_the_question_whole() -> None:
    caption, question = "خیلی بلند " * 5000, "با این همه، چنده؟"
    story = Story(Source.INSTAGRAM)
    story.customer_shares(caption, 0)
    story.customer_writes(question, 1, "m1")
    combined = story.recorded.combined_content
    assert combined is not None
    assert combined.endswith(question)
    story.reply_timer_fires(3)
    (command,) = [effect for effect in story.effects if isinstance(effect, StartReply)]
    assert (command.share, command.questions) == (caption, (story.message_of("m1"),))


def test_s5_a_share_without_words_and_address_still_waits_for_its_question() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_shares("", 0)
    assert story.recorded.content == "[پست/ریلز اینستاگرام]"
    assert story.now.pending_share is not None


def test_s5_a_share_and_its_text_in_one_webhook_combine() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_shares(DRESS, 0, "m1")
    story.customer_writes("این چنده؟", 0, "m1")
    assert story.recorded.combined_content is not None
    assert story.now.pending_share is None


def test_s7_a_bare_share_starts_nothing_and_its_caption_is_no_question() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_shares("کپشن: برای خرید بنویسید قیمت", 0)
    stored = [effect for effect in story.effects if isinstance(effect, RecordMessage)]
    timers = [effect.kind for effect in story.effects if isinstance(effect, SetTimer)]
    assert len(stored) == 1
    assert timers == [TimerKind.SHARE]
    assert story.now.questions == ()
    assert story.now.reply is None
