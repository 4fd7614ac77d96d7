"""Messages that are unsent or edited, also before they arrive."""

import pytest

from actors.conversation.effects import (
    BlankMessages,
    CancelReply,
    ClearTimer,
    ForgetCombination,
    MarkMessages,
    RecordMessage,
    RewriteMessages,
    SetTimer,
)
from actors.conversation.errors import UnknownConversationError
from actors.conversation.rules.corrections import MAX_HEARD
from actors.conversation.rules.placeholders import describe_act
from actors.conversation.state import Destination, Processing, Source, TimerKind
from persistence.ids import MessageId
from tests.support.conversation.conversations import Story, at


def instagram() -> Story:
    return Story(Source.INSTAGRAM)


def blanked(story: Story) -> set[object]:
    return {
        message_id
        for effect in story.effects
        if isinstance(effect, BlankMessages)
        for message_id in effect.ids
    }


def test_an_unsent_message_is_blanked_and_nobody_answers_it() -> None:
    story = instagram()
    job = story.ask_and_start("قیمت؟", 0, "m1")
    story.is_unsent("m1", 3)
    assert story.message_of("m1") in blanked(story)
    assert story.now.questions == ()
    assert story.now.reply is None
    assert CancelReply(job) in story.effects
    assert ("ai_replies_dropped_total", "unsent") in story.counted


def test_what_is_left_of_a_burst_is_answered_anew() -> None:
    story = instagram()
    story.customer_writes("قیمت؟", 0, "m1")
    story.customer_writes("ارسال؟", 1, "m2")
    story.reply_timer_fires(3)
    story.is_unsent("m1", 4)
    assert story.now.questions == (story.message_of("m2"),)
    assert SetTimer(TimerKind.REPLY, at(6)) in story.effects


def test_unsending_something_else_does_not_disturb_an_answer() -> None:
    story = instagram()
    story.customer_writes("سلام", 0, "m0")
    story.operator_answers("سلام", 1)
    story.redirect(Destination.AI, 2)
    job = story.ask_and_start("قیمت؟", 3, "m1")
    story.is_unsent("m0", 6)
    assert story.running_job() == job


def test_a_share_that_waits_is_forgotten_when_it_is_unsent() -> None:
    story = instagram()
    share = story.customer_shares("عنوان: مانتو", 0, "s1")
    story.is_unsent("s1", 1)
    assert share in blanked(story)
    assert story.now.pending_share is None
    assert ClearTimer(TimerKind.SHARE) in story.effects


def test_a_question_loses_the_share_that_is_unsent() -> None:
    story = instagram()
    story.customer_shares("عنوان: مانتو", 0, "s1")
    story.customer_writes("چنده؟", 1, "m1")
    story.is_unsent("s1", 1.5)
    assert ForgetCombination(story.message_of("m1")) in story.effects
    assert story.now.combined == ()
    assert story.now.questions == (story.message_of("m1"),)


def test_a_message_that_arrives_after_it_was_unsent_is_stored_blank() -> None:
    story = instagram()
    story.customer_writes("سلام", 0, "m0")
    story.is_unsent("m1", 1)
    story.customer_writes("ببخشید اشتباه شد", 2, "m1")
    assert story.recorded.content == ""
    assert story.recorded.processing is Processing.COMPLETED
    assert story.recorded.is_unsent
    assert story.now.questions == (story.message_of("m0"),)


def test_an_edit_stores_the_new_words_and_the_answer_begins_anew() -> None:
    story = instagram()
    job = story.ask_and_start("مانتو مشکی دارید؟", 0, "m1")
    story.is_edited("m1", "مانتو قرمز دارید؟", 3)
    (rewritten,) = [
        effect for effect in story.effects if isinstance(effect, RewriteMessages)
    ]
    assert story.message_of("m1") in rewritten.ids
    assert rewritten.content == "مانتو قرمز دارید؟"
    assert CancelReply(job) in story.effects
    assert SetTimer(TimerKind.REPLY, at(5)) in story.effects


def test_an_edited_question_is_combined_with_its_share_anew() -> None:
    story = instagram()
    story.customer_shares("عنوان: مانتو", 0)
    story.customer_writes("چنده؟", 1, "m1")
    story.is_edited("m1", "سایز ۴۰ چنده؟", 1.5)
    (rewritten,) = [
        effect for effect in story.effects if isinstance(effect, RewriteMessages)
    ]
    assert rewritten.combined_content is not None
    assert rewritten.combined_content.endswith("سایز ۴۰ چنده؟")


def test_an_answered_message_that_says_something_else_is_asked_again_once() -> None:
    story = instagram()
    job = story.ask_and_start("قیمت؟", 0, "m1")
    story.ai_writes("صد تومن", 3, job=job)
    story.is_edited("m1", "قیمت شال؟", 10)
    question = story.message_of("m1")
    assert story.effects == (
        RewriteMessages((question,), "قیمت شال؟"),
        MarkMessages((question,), Processing.PENDING),
        SetTimer(TimerKind.REPLY, at(12)),
    )
    assert story.now.questions == (question,)
    story.reply_timer_fires(12)
    story.ai_writes("دویست تومن", 13, job=story.running_job())
    # A platform may report the same words again.
    story.is_edited("m1", "قیمت شال؟", 20)
    assert list(story.effects) == [RewriteMessages((question,), "قیمت شال؟")]
    assert story.now.reply is None


def test_a_person_who_leads_is_called_for_an_edit_of_what_was_answered() -> None:
    story = instagram()
    story.customer_writes("قیمت؟", 0, "m1")
    story.operator_answers("صد تومن", 1)
    assert not story.now.needs_operator
    story.is_edited("m1", "قیمت شال؟", 10)
    assert story.now.needs_operator
    assert story.now.questions == (story.message_of("m1"),)
    assert story.now.reply is None


def test_an_edit_of_an_old_message_is_only_stored() -> None:
    story = instagram()
    for number in range(MAX_HEARD + 1):
        story.customer_writes(f"پیام {number}", number, f"m{number}")
    story.operator_answers("سلام", 20)
    story.is_edited("m0", "سلام سلام", 30)
    assert [type(effect) for effect in story.effects] == [RewriteMessages]
    assert story.now.questions == ()


def test_an_edit_brings_nothing_back_that_was_unsent() -> None:
    story = instagram()
    story.customer_writes("قیمت؟", 0, "m1")
    story.is_unsent("m1", 1)
    assert story.is_edited("m1", "قیمت شال؟", 2).effects == ()


def test_nothing_is_opened_by_an_edit_of_what_we_never_had() -> None:
    story = instagram()
    with pytest.raises(UnknownConversationError):
        story.is_edited("m1", "x", 0)


def test_what_is_unsent_before_a_first_message_came_is_neither_kept_nor_answered() -> (
    None
):
    story = instagram()
    story.is_unsent("m1", 0)
    # Nothing was said yet: nobody is shown the conversation.
    assert story.now.last_message_id is None
    story.customer_writes("رازی", 1, "m1")
    assert (story.recorded.content, story.recorded.is_unsent) == ("", True)
    assert story.now.questions == ()
    assert story.now.reply is None
    assert story.now.last_message_id == story.message_of("m1")


def test_a_share_that_is_unsent_before_it_came_waits_for_nothing() -> None:
    story = instagram()
    story.is_unsent("s1", 0)
    share = story.customer_shares("عنوان: مانتو", 1, "s1")
    assert (story.recorded.content, story.recorded.media) == ("", ())
    assert story.now.pending_share is None
    assert story.now.last_message_id == share


def test_what_the_owner_unsends_before_its_echo_came_is_not_kept() -> None:
    story = instagram()
    story.is_unsent("o1", 0, is_ours=True)
    story.echo_arrives("اشتباه شد", 1, "o1")
    assert (story.recorded.content, story.recorded.is_unsent) == ("", True)


@pytest.mark.parametrize("comes_first", [True, False])
def test_of_two_edits_that_overtake_each_other_the_later_counts(
    comes_first: bool,
) -> None:
    story = instagram()
    story.customer_writes("سلام", 0, "m0")
    if not comes_first:
        story.customer_writes("مانتو دارید؟", 1, "m1")
    story.is_edited("m1", "مانتو قرمز دارید؟", 2, order=2)
    assert story.is_edited("m1", "مانتو مشکی دارید؟", 2.5, order=1).effects == ()
    if comes_first:
        story.customer_writes("مانتو دارید؟", 3, "m1")
        assert story.recorded.content == "مانتو قرمز دارید؟"


def test_an_older_edit_of_what_was_answered_is_left_as_well() -> None:
    story = instagram()
    story.ask_and_start("قیمت؟", 0, "m1")
    story.is_edited("m1", "قیمت شال؟", 3, order=2)
    story.operator_answers("صد تومن", 4)
    assert story.is_edited("m1", "قیمت مانتو؟", 5, order=1).effects == ()
    assert story.is_edited("m1", "قیمت روسری؟", 6, order=3).effects != ()


def test_edits_without_a_number_count_as_they_come() -> None:
    story = instagram()
    story.customer_writes("مانتو دارید؟", 0, "m1")
    story.is_edited("m1", "شال دارید؟", 1)
    story.is_edited("m1", "روسری دارید؟", 2)
    (rewritten,) = [
        effect for effect in story.effects if isinstance(effect, RewriteMessages)
    ]
    assert rewritten.content == "روسری دارید؟"


def test_an_edit_that_overtakes_its_message_is_not_lost() -> None:
    story = instagram()
    story.customer_writes("سلام", 0, "m0")
    story.is_edited("m1", "مانتو قرمز دارید؟", 1)
    story.customer_writes("مانتو مشکی دارید؟", 1.5, "m1")
    assert story.recorded.content == "مانتو قرمز دارید؟"
    assert story.recorded.is_edited


def test_an_edit_that_overtakes_a_question_about_a_share_is_combined() -> None:
    story = instagram()
    story.customer_shares("عنوان: مانتو", 0, "s1")
    story.is_edited("m1", "سایز ۴۰ چنده؟", 1)
    story.customer_writes("چنده؟", 1.5, "m1")
    assert story.recorded.combined_content is not None
    assert story.recorded.combined_content.endswith("سایز ۴۰ چنده؟")


def test_of_what_was_edited_and_unsent_nothing_is_kept() -> None:
    story = instagram()
    story.customer_writes("سلام", 0, "m0")
    story.is_edited("m1", "رازی", 1)
    story.is_unsent("m1", 2)
    assert "رازی" not in str(story.now)


def test_the_owner_unsends_our_message_and_the_customers_stay() -> None:
    story = instagram()
    job = story.ask_and_start("قیمت؟", 0, "m1")
    answer = story.ai_writes("صد تومن", 3, job=job)
    (message,) = [
        effect.id for effect in answer.effects if isinstance(effect, RecordMessage)
    ]
    story.send_timer_fires(3)
    story.part_is_delivered("ours-1", 4)
    job = story.ask_and_start("ارسال؟", 5, "m2")
    story.is_unsent("ours-1", 8, is_ours=True)
    assert message in blanked(story)
    assert story.running_job() == job
    assert story.now.ai_may_answer


def sent_without_a_name() -> tuple[Story, MessageId]:
    """Tell of an answer that the platform has, and has not named yet."""
    story = instagram()
    job = story.ask_and_start("قیمت؟", 0, "m1")
    answer = story.ai_writes("صد تومن", 3, job=job)
    (message,) = [
        effect.id for effect in answer.effects if isinstance(effect, RecordMessage)
    ]
    story.send_timer_fires(3)
    return story, message


@pytest.mark.parametrize("is_echoed", [False, True])
def test_the_owner_unsends_our_message_before_we_know_its_name(
    is_echoed: bool,
) -> None:
    story, message = sent_without_a_name()
    story.is_unsent("ours-1", 4, is_ours=True)
    if is_echoed:
        story.echo_arrives("صد تومن", 5, "ours-1")
    else:
        story.part_is_delivered("ours-1", 5)
    assert message in blanked(story)


def test_the_owner_rewords_our_message_before_we_know_its_name() -> None:
    story, message = sent_without_a_name()
    story.is_edited("ours-1", "نود تومن", 4, is_ours=True)
    story.part_is_delivered("ours-1", 5)
    (rewritten,) = [
        effect for effect in story.effects if isinstance(effect, RewriteMessages)
    ]
    assert (rewritten.ids, rewritten.content) == ((message,), "نود تومن")


def test_the_owner_unsends_what_arrived_after_it_was_given_up() -> None:
    story, message = sent_without_a_name()
    send = story.now.sends[0].id
    story.redirect(Destination.SUPPORT, 4)
    story.send_timer_fires(33)
    story.send_timer_fires(63)
    assert story.now.dead
    story.part_is_delivered("ours-1", 70, send_id=send)
    story.is_unsent("ours-1", 80, is_ours=True)
    assert message in blanked(story)


def test_what_the_owner_wrote_and_unsent_at_once_takes_over_but_is_blank() -> None:
    story = instagram()
    story.customer_writes("قیمت؟", 0, "m1")
    story.is_unsent("o1", 1, is_ours=True)
    story.echo_arrives("اشتباه شد", 1.5, "o1")
    assert (story.recorded.content, story.recorded.is_unsent) == ("", True)
    assert not story.now.ai_may_answer


def test_the_owners_edit_is_stored_with_the_owners_message() -> None:
    story = instagram()
    story.customer_writes("قیمت؟", 0, "m1")
    story.is_edited("o1", "صد تومن", 1, is_ours=True)
    story.echo_arrives("صد تومنن", 1.5, "o1")
    stored = story.recorded
    assert stored.content == "صد تومن"
    story.is_edited("o1", "نود تومن", 2, is_ours=True)
    (rewritten,) = [
        effect for effect in story.effects if isinstance(effect, RewriteMessages)
    ]
    assert rewritten.ids == (stored.id,)


def test_where_nobody_says_who_deleted_a_message_either_side_is_blanked() -> None:
    story = Story(Source.TELEGRAM)
    story.customer_writes("سلام", 0, "m1")
    story.echo_arrives("درود", 1, "e1")
    (answer,) = [one for one in story.effects if isinstance(one, RecordMessage)]
    story.is_unsent("e1", 2)
    assert answer.id in blanked(story)
    story.is_unsent("m1", 3)
    assert story.message_of("m1") in blanked(story)


def test_an_edit_that_can_not_be_shown_calls_an_operator() -> None:
    story = Story(Source.TELEGRAM)
    story.customer_writes("قیمت؟", 0, "m1")
    assert not story.now.needs_operator
    story.is_edited("m1", describe_act("hologram"), 1)
    assert story.now.needs_operator
