"""The rules of unsent and edited messages."""

from dataclasses import replace
from datetime import datetime
from zlib import crc32

from actors.conversation import effects, events
from actors.conversation.effects import Decision, Effect
from actors.conversation.rules.albums import combined_of, edit_caption
from actors.conversation.rules.ordering import insert_question
from actors.conversation.rules.placeholders import has_placeholder
from actors.conversation.rules.policy import Policy
from actors.conversation.rules.replies import await_burst, stop_reply
from actors.conversation.rules.share import drop_pending
from actors.conversation.state import (
    MAX_QUESTIONS,
    Album,
    Conversation,
    Heard,
    Processing,
    RecentEdit,
    Source,
)
from persistence.ids import MessageId

#: To recognise a message that was unsent before it was delivered.
MAX_UNSENT_MIDS = 16
#: Edits whose message, or an earlier edit, may still come: soon, if at all.
MAX_RECENT_EDITS = 8
#: Messages that are asked anew when their words change; older ones are only rewritten.
MAX_HEARD = 8


def on_unsent(
    state: Conversation, event: events.MessageUnsent, policy: Policy
) -> Decision:
    """Blank an unsent message, and drop it from what is to be answered."""
    if event.mid in state.unsent_mids:
        return Decision(state)
    state = replace(
        state,
        album=_drop_album(state, event.mid),
        unsent_mids=(*state.unsent_mids, event.mid)[-MAX_UNSENT_MIDS:],
        recent_edits=tuple(
            edit for edit in state.recent_edits if edit.mid != event.mid
        ),
    )
    if event.is_ours:
        # The customer's questions, and who leads, are as they were.
        return Decision(state, (effects.BlankMessages(_ours(state, event.mid)),))
    ids = _customers(state, event.mid)
    # Telegram does not say which side deleted it.
    either = _ours(state, event.mid) if state.source is Source.TELEGRAM else ()
    changes: list[Effect] = [effects.BlankMessages((*ids, *either))]
    if state.pending_share is not None and state.pending_share.message_id in ids:
        state, dropped = drop_pending(state)
        changes.extend(dropped)
    changes.extend(
        effects.ForgetCombination(share.question)
        for share in state.combined
        if share.share in ids and share.question not in ids
    )
    was_asked, was_combined = state.questions, state.combined
    state = replace(
        state,
        questions=tuple(question for question in was_asked if question not in ids),
        combined=tuple(
            share
            for share in state.combined
            if share.share not in ids and share.question not in ids
        ),
        heard=tuple(one for one in state.heard if one.message_id not in ids),
    )
    if state.reply is not None:
        if not state.questions:
            state, stopped = stop_reply(state, "unsent")
            changes.extend(stopped)
        elif (state.questions, state.combined) != (was_asked, was_combined):
            # The answer that is being written may refer to it.
            due_at = event.at + policy.reply_debounce
            state, awaited = await_burst(state, due_at, "unsent")
            changes.extend(awaited)
    return Decision(state, tuple(changes))


def on_edited(
    state: Conversation, event: events.MessageEdited, policy: Policy
) -> Decision:
    """Store the new text; an answer to the old one is out of date.

    A message that was answered is a question again if it says something else now.
    """
    if event.mid in state.unsent_mids or _is_overtaken(state, event):
        return Decision(state)
    state = _remember_edit(state, event)
    if event.is_ours:
        ours = effects.RewriteMessages(_ours(state, event.mid), event.text)
        return Decision(state, (ours,))
    question, text = (
        MessageId(events.customer_message_id(state.id, event.mid)),
        event.text,
    )
    album = state.album and edit_caption(state.album, event.mid, event.text)
    if album is not None:
        question, text = album.message_id, album.text
        state = replace(state, album=album)
    combined = combined_of(state, question, text)
    rewritten = effects.RewriteMessages((question,), text, combined)
    is_changed = _says_something_else(state, question, text)
    if is_changed:
        state = replace(
            state,
            heard=remember_words(state, question, text),
            needs_operator=state.needs_operator or has_placeholder(text),
        )
    if question in state.questions:
        if state.reply is None:
            return Decision(state, (rewritten,))
        state, awaited = await_burst(state, event.at + policy.reply_debounce)
        return Decision(state, (rewritten, *awaited))
    if not is_changed:
        return Decision(state, (rewritten,))
    reopened = _ask_again(state, question, event.at, policy)
    return Decision(reopened.state, (rewritten, *reopened.effects))


def remember_words(
    state: Conversation, message: MessageId, text: str
) -> tuple[Heard, ...]:
    """Return the newest messages' checksums, with this one's."""
    others = tuple(one for one in state.heard if one.message_id != message)
    return (*others, Heard(message, crc32(text.encode())))[-MAX_HEARD:]


def _says_something_else(state: Conversation, message: MessageId, text: str) -> bool:
    """Whether the words of one of the newest messages changed."""
    checksum = crc32(text.encode())
    return any(
        one.message_id == message and one.checksum != checksum for one in state.heard
    )


def _ask_again(
    state: Conversation, question: MessageId, at: datetime, policy: Policy
) -> Decision:
    """Open a question that was answered: its words are others now."""
    waiting = insert_question(state, question, state.positions)
    state = replace(
        state, status=state.reopened_status, questions=waiting[-MAX_QUESTIONS:]
    )
    pending = effects.MarkMessages((question,), Processing.PENDING)
    if not state.is_led_by_ai:
        return Decision(replace(state, needs_operator=True), (pending,))
    state, awaited = await_burst(state, at + policy.reply_debounce)
    return Decision(state, (pending, *awaited))


def _drop_album(state: Conversation, mid: str) -> Album | None:
    album = state.album
    if album is not None and any(caption.mid == mid for caption in album.captions):
        return None
    return album


def _customers(state: Conversation, mid: str) -> tuple[MessageId, ...]:
    """Return the possible ids: of a message's words, and of the posts in it."""
    # On other platforms no message holds several.
    parts = events.MAX_SHARES if state.source is Source.INSTAGRAM else 1
    shares = (events.share_message_id(state.id, mid, part) for part in range(parts))
    return tuple(map(MessageId, (events.customer_message_id(state.id, mid), *shares)))


def _ours(state: Conversation, mid: str) -> tuple[MessageId, ...]:
    """Return the possible ids: of a message that the owner typed, and of ours."""
    sent = (message.message_id for message in state.recent_sent if message.mid == mid)
    return (MessageId(events.echo_message_id(state.id, mid)), *sent)


def find_edit(state: Conversation, mid: str) -> RecentEdit | None:
    """Return the newest edit of a message that may arrive after it."""
    return next((edit for edit in state.recent_edits if edit.mid == mid), None)


def _is_overtaken(state: Conversation, event: events.MessageEdited) -> bool:
    """Whether a later edit of the message is known."""
    known = find_edit(state, event.mid)
    return known is not None and 0 < event.order < known.order


def _remember_edit(state: Conversation, event: events.MessageEdited) -> Conversation:
    """Keep the edit: its message may still come, or an earlier edit of it."""
    others = tuple(edit for edit in state.recent_edits if edit.mid != event.mid)
    edits = (*others, RecentEdit(event.mid, event.text, event.order))
    return replace(state, recent_edits=edits[-MAX_RECENT_EDITS:])
