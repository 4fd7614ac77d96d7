"""The rules of albums: media that were sent at once are one message.

A platform delivers each of them by itself. The first makes the message, the others are
added to it; whoever answers sees one question.
"""

from dataclasses import replace

from actors.conversation import effects, events
from actors.conversation.effects import Decision
from actors.conversation.rules.placeholders import has_placeholder
from actors.conversation.rules.policy import Policy
from actors.conversation.rules.replies import await_burst
from actors.conversation.rules.reply_window import heard_at
from actors.conversation.rules.share import combine_all
from actors.conversation.state import Album, Caption, Conversation
from persistence.ids import MessageId

#: Platforms take ten; more captions than this are no album.
MAX_CAPTIONS = 20


def begin_album(event: events.CustomerWrote) -> Album:
    """Return the album of which this is the first medium."""
    caption = Caption(event.mid, event.text)
    return Album(event.album, events.message_id_of(event), (caption,))


def extend_album(
    state: Conversation, album: Album, event: events.CustomerWrote, policy: Policy
) -> Decision:
    """Add one more medium to the album's message.

    The answer waits for the rest of the album; one that was given already is not
    repeated.
    """
    captions = (*album.captions, Caption(event.mid, event.text))[:MAX_CAPTIONS]
    grown = replace(album, captions=captions)
    content = grown.text if event.text.strip() else None
    extended = effects.ExtendMessage(
        album.message_id,
        event.media,
        content,
        None if content is None else combined_of(state, album.message_id, content),
    )
    state = replace(
        state,
        album=grown,
        last_customer_at=heard_at(state, event.at, event.written_at),
        needs_operator=state.needs_operator or has_placeholder(event.text),
    )
    if state.reply is None or album.message_id not in state.questions:
        return Decision(state, (extended,))
    state, awaited = await_burst(state, event.at + policy.reply_debounce)
    return Decision(state, (extended, *awaited))


def edit_caption(album: Album, mid: str, text: str) -> Album | None:
    """Return the album with the new words of one medium; None if it is not in it."""
    if all(caption.mid != mid for caption in album.captions):
        return None
    captions = (
        Caption(mid, text) if caption.mid == mid else caption
        for caption in album.captions
    )
    return replace(album, captions=tuple(captions))


def combined_of(state: Conversation, question: MessageId, text: str) -> str | None:
    """Return an open question with what it is about; None if it stands alone."""
    about = [share for share in state.combined if share.question == question]
    return combine_all(about, text)
