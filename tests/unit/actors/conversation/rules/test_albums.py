"""Albums: media that were sent at once are one message, and one question."""

from dataclasses import replace

import orjson

from actors.conversation.codec import decode_state, encode_state
from actors.conversation.effects import ExtendMessage, RecordMessage, RewriteMessages
from actors.conversation.events import CustomerWrote, Media
from actors.conversation.rules.albums import MAX_CAPTIONS
from actors.conversation.rules.placeholders import PLACEHOLDERS
from actors.conversation.shard.batch_builder import BatchBuilder
from actors.conversation.state import Destination, MessageType, Source
from tests.support.conversation.conversations import Story, at


def picture(mid: str) -> Media:
    return Media(MessageType.IMAGE, media_id=f"file-{mid}")


def event_of(
    story: Story, mid: str, seconds: float, text: str = "", album: str = "a1"
) -> CustomerWrote:
    event = story.customer_event(
        text,
        seconds,
        mid,
        message_type=MessageType.IMAGE,
        media=(picture(mid),),
    )
    return replace(event, album=album)


def extended(story: Story) -> ExtendMessage:
    (effect,) = [one for one in story.effects if isinstance(one, ExtendMessage)]
    return effect


def telegram() -> Story:
    return Story(Source.TELEGRAM)


def test_an_album_is_one_message_and_one_question() -> None:
    story = telegram()
    story.apply(event_of(story, "m1", 0, "این؟"))
    story.apply(event_of(story, "m2", 1))
    first = story.message_of("m1")
    assert extended(story) == ExtendMessage(first, (picture("m2"),))
    assert story.now.questions == (first,)
    assert story.now.last_message_id == first
    # The answer waits for the rest of the album.
    assert story.now.reply is not None
    assert story.now.reply.due_at == at(3)


def test_words_that_come_with_a_later_picture_are_the_albums() -> None:
    story = telegram()
    story.apply(event_of(story, "m1", 0))
    story.apply(event_of(story, "m2", 1, "این چنده؟"))
    assert extended(story).content == "این چنده؟"
    story.apply(event_of(story, "m3", 1, "و این؟"))
    assert extended(story).content == "این چنده؟\nو این؟"


def test_two_albums_are_two_messages() -> None:
    story = telegram()
    story.apply(event_of(story, "m1", 0))
    story.apply(event_of(story, "m2", 1, album="a2"))
    assert story.recorded.mid == "m2"
    assert len(story.now.questions) == 2


def test_a_picture_that_comes_after_the_answer_is_added_and_not_answered() -> None:
    story = telegram()
    story.apply(event_of(story, "m1", 0))
    story.reply_timer_fires(2)
    story.ai_writes("همکارم نگاه می‌کند", 3, job=story.running_job())
    story.apply(event_of(story, "m2", 4))
    assert extended(story).media == (picture("m2"),)
    assert story.now.reply is None


def test_an_album_that_a_person_leads_is_joined_as_well() -> None:
    story = telegram()
    story.customer_writes("سلام", 0)
    story.redirect(Destination.SUPPORT, 1)
    story.apply(event_of(story, "m1", 2))
    story.apply(event_of(story, "m2", 2))
    assert extended(story).id == story.message_of("m1")
    assert story.now.reply is None


def test_an_edited_caption_is_the_albums() -> None:
    story = telegram()
    story.apply(event_of(story, "m1", 0, "این؟"))
    story.apply(event_of(story, "m2", 1, "یا این؟"))
    story.is_edited("m2", "یا آن؟", 2)
    (rewritten,) = [one for one in story.effects if isinstance(one, RewriteMessages)]
    assert rewritten.ids == (story.message_of("m1"),)
    assert rewritten.content == "این؟\nیا آن؟"


def test_an_album_whose_picture_is_taken_back_takes_no_more() -> None:
    story = telegram()
    story.apply(event_of(story, "m1", 0))
    story.apply(event_of(story, "m2", 1))
    story.is_unsent("m2", 2)
    assert story.now.album is None
    story.apply(event_of(story, "m3", 3))
    assert story.recorded.mid == "m3"


def test_an_album_has_an_end() -> None:
    story = telegram()
    for number in range(MAX_CAPTIONS + 5):
        story.apply(event_of(story, f"m{number}", number))
    assert story.now.album is not None
    assert len(story.now.album.captions) == MAX_CAPTIONS
    assert decode_state(encode_state(story.now)) == story.now


def test_an_album_of_one_batch_is_one_row_with_all_its_media() -> None:
    story, builder = telegram(), BatchBuilder()
    for seq, mid in enumerate(("m1", "m2", "m3"), start=1):
        event = event_of(story, mid, seq, "این؟" if mid == "m2" else "")
        builder.add(event, story.apply(event), seq, is_new=seq == 1)
    (row,) = builder.batch.messages.values()
    assert row.content == "این؟"
    metadata = orjson.loads(row.metadata)
    assert [one["media_id"] for one in metadata["media"]] == [
        "file-m1",
        "file-m2",
        "file-m3",
    ]
    assert "edited" not in metadata


def test_media_of_one_batch_are_added_to_a_stored_album_together() -> None:
    story, builder = telegram(), BatchBuilder()
    story.apply(event_of(story, "m1", 0))
    for seq, mid in enumerate(("m2", "m3"), start=2):
        event = event_of(story, mid, seq)
        builder.add(event, story.apply(event), seq, is_new=False)
    (update,) = builder.batch.updates.values()
    assert [one["media_id"] for one in orjson.loads(update.media)] == [
        "file-m2",
        "file-m3",
    ]


def test_a_note_is_stored_and_asks_for_nothing() -> None:
    story = telegram()
    story.customer_writes("سلام", 0)
    story.operator_answers("سلام", 1)
    event = story.customer_event("[واکنش] 👍", 2, "r1")
    story.apply(replace(event, is_note=True))
    assert isinstance(story.recorded, RecordMessage)
    assert story.recorded.processing == "completed"
    assert story.now.questions == ()
    assert not story.now.needs_operator


def test_an_answer_takes_the_way_of_the_newest_message() -> None:
    story = telegram()
    story.apply(replace(story.customer_event("سلام", 0, "m1"), route="topic=5"))
    story.reply_timer_fires(2)
    story.ai_writes("درود", 3, job=story.running_job())
    assert [send.route for send in story.now.sends] == ["topic=5"]
    # A message elsewhere leaves the way of what is queued as it was.
    story.apply(story.customer_event("و این؟", 4, "m2"))
    assert [send.route for send in story.now.sends] == ["topic=5"]
    story.operator_answers("بفرمایید", 5)
    assert story.now.sends[-1].route == ""


def test_an_album_of_which_a_part_can_not_be_shown_calls_an_operator() -> None:
    story = telegram()
    story.apply(event_of(story, "m1", 0, "این چنده؟"))
    assert not story.now.needs_operator
    story.apply(event_of(story, "m2", 1, PLACEHOLDERS[MessageType.IMAGE]))
    assert story.now.needs_operator
