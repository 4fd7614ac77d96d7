"""What a message refers to: it travels beside the question, as a share does."""

import orjson
import pytest

from actors.conversation.codec import decode_event, encode_event, encode_metadata
from actors.conversation.effects import RecordMessage, RewriteMessages, StartReply
from actors.conversation.events import CustomerWrote
from actors.conversation.rules.decide import decide
from actors.conversation.state import Destination, MessageType, Source
from tests.support.conversation.conversations import Story
from tests.support.conversation.customer_story import POLICY

COAT = "مانتو لینن آوین در رنگ‌های کرم، سبز و مشکی موجود است."
DRESS = "عنوان: پیراهن رز"


def job(story: Story) -> StartReply:
    (command,) = [one for one in story.effects if isinstance(one, StartReply)]
    return command


def ask(story: Story, text: str, seconds: float, mid: str, referred: str) -> None:
    story.apply(story.customer_event(text, seconds, mid, referred=referred))


@pytest.mark.parametrize("source", Source)
def test_the_words_that_are_replied_to_reach_the_ai_beside_the_question(
    source: Source,
) -> None:
    story = Story(source)
    ask(story, "این چنده؟", 0, "m1", COAT)
    assert story.recorded.content == "این چنده؟"
    assert story.recorded.combined_content == (
        "[CONTEXT: متنی که پیام به آن اشاره دارد]\n"
        f"{COAT}\n[/CONTEXT]\n\n[سوال کاربر]:\nاین چنده؟"
    )
    story.reply_timer_fires(2)
    assert job(story).share == COAT
    assert not job(story).is_post


def test_a_post_and_a_reply_in_one_question_both_reach_the_ai() -> None:
    story = Story(Source.INSTAGRAM)
    story.customer_shares(DRESS, 0)
    ask(story, "از این ارزون‌تره؟", 1, "m1", COAT)
    assert story.recorded.combined_content == (
        "[CONTEXT: متنی که پیام به آن اشاره دارد]\n"
        f"{DRESS}\n\n{COAT}\n[/CONTEXT]\n\n[سوال کاربر]:\nاز این ارزون‌تره؟"
    )
    story.reply_timer_fires(3)
    assert job(story).share == f"{DRESS}\n\n{COAT}"
    assert not job(story).is_post


def test_two_replies_to_one_message_hand_it_over_once() -> None:
    story = Story(Source.TELEGRAM)
    ask(story, "این چنده؟", 0, "m1", COAT)
    ask(story, "سایز ۴۴ داره؟", 1, "m2", COAT)
    story.reply_timer_fires(3)
    assert job(story).share == COAT


def test_an_operator_sees_what_was_replied_to_whoever_leads() -> None:
    story = Story(Source.TELEGRAM)
    story.customer_writes("سلام", 0)
    story.redirect(Destination.SUPPORT, 1)
    event = story.customer_event("این؟", 2, "m1", referred=COAT, reply_to_mid="7:1")
    story.apply(event)
    assert story.recorded.combined_content is None
    assert orjson.loads(encode_metadata(story.recorded)) == {
        "referred": COAT,
        "reply_to_mid": "7:1",
    }
    # The AI comes back: the question is still about the coat.
    story.redirect(Destination.AI, 3)
    story.reply_timer_fires(5)
    assert job(story).share == COAT


def test_a_picture_may_refer_to_something_too() -> None:
    story = Story(Source.TELEGRAM)
    event = story.customer_event(
        "", 0, "m1", message_type=MessageType.IMAGE, referred=COAT
    )
    story.apply(event)
    story.reply_timer_fires(2)
    assert job(story).share == COAT


def test_an_edited_question_keeps_what_it_refers_to() -> None:
    story = Story(Source.TELEGRAM)
    ask(story, "این چنده؟", 0, "m1", COAT)
    story.is_edited("m1", "این سایز ۴۴ چنده؟", 1)
    (rewritten,) = [one for one in story.effects if isinstance(one, RewriteMessages)]
    assert rewritten.combined_content is not None
    assert COAT in rewritten.combined_content
    assert rewritten.combined_content.endswith("این سایز ۴۴ چنده؟")


def test_a_question_that_is_taken_back_takes_its_reference_along() -> None:
    story = Story(Source.TELEGRAM)
    ask(story, "این چنده؟", 0, "m1", COAT)
    story.is_unsent("m1", 1)
    assert story.now.combined == ()
    story.is_unsent("m2", 2)
    ask(story, "و این؟", 3, "m2", COAT)
    record = story.recorded
    assert isinstance(record, RecordMessage)
    assert encode_metadata(record) == '{"unsent":true}'


def test_an_answered_question_refers_to_nothing_any_more() -> None:
    story = Story(Source.TELEGRAM)
    ask(story, "این چنده؟", 0, "m1", COAT)
    story.reply_timer_fires(2)
    story.ai_writes("۱٬۲۸۰٬۰۰۰ تومان", 3, job=story.running_job())
    story.customer_writes("ممنون", 9)
    story.reply_timer_fires(11)
    assert job(story).share == ""


def test_an_event_of_an_older_release_refers_to_nothing() -> None:
    story = Story(Source.TELEGRAM)
    event = story.customer_event("سلام", 0, "m1")
    fields = orjson.loads(encode_event(event))
    del fields["referred"]
    again = decode_event("CustomerWrote", orjson.dumps(fields).decode())
    assert again == event
    assert isinstance(again, CustomerWrote)
    assert decide(None, again, POLICY).state.combined == ()
