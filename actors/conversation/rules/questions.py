"""The rules of a customer's message: a question until somebody answers."""

from dataclasses import replace

from actors.conversation import effects, events
from actors.conversation.effects import Decision, Effect
from actors.conversation.rules.albums import begin_album, extend_album
from actors.conversation.rules.corrections import find_edit, remember_words
from actors.conversation.rules.inbox.noting import note_question
from actors.conversation.rules.ordering import (
    insert_question,
    is_overtaken,
    position_of,
)
from actors.conversation.rules.placeholders import PLACEHOLDERS, has_placeholder
from actors.conversation.rules.policy import Policy
from actors.conversation.rules.replies import cancel_reply
from actors.conversation.rules.reply_window import first_heard_at, heard_at
from actors.conversation.rules.share import absorb, combine_all, refer
from actors.conversation.state import (
    MAX_QUESTIONS,
    Author,
    CombinedShare,
    Conversation,
    Processing,
    Profile,
    Reply,
    Status,
    TimerKind,
)
from persistence.ids import MessageId


def on_customer_wrote(
    state: Conversation, event: events.CustomerWrote, policy: Policy
) -> Decision:
    """Store the message; if the AI leads, wait for the rest of the burst."""
    message_id = events.message_id_of(event)
    position, positions = position_of(state, event, message_id)
    if (edit := find_edit(state, event.mid)) is not None:
        event = replace(event, text=edit.text)
    message = build_message(event, message_id, position, is_edited=edit is not None)
    aside = _record_aside(state, event, message, policy)
    if aside is not None:
        return aside
    waiting = insert_question(state, message_id, positions)
    questions = waiting[-MAX_QUESTIONS:]
    status, pending = state.reopened_status, state.pending_share
    is_led_by_ai = status is Status.ACTIVE and state.ai_enabled
    about, reply = refer(event), None
    changes: tuple[Effect, ...] = (message,)
    if is_led_by_ai:
        absorbed = absorb(state, event)
        if absorbed.share is not None:
            pending, about = None, (absorbed.share, *about)
        if about:
            asked = combine_all(about, message.content)
            message = replace(message, combined_content=asked)
        reply = Reply(event.at + policy.reply_debounce)
        # Setting the timer replaces the one that was set: nothing is cleared.
        changes = (
            message,
            *absorbed.effects,
            *cancel_reply(state.reply, "newer_text"),
            effects.SetTimer(TimerKind.REPLY, reply.due_at),
        )
    profile = event.profile or state.profile
    changes = (*changes, *_pass_over(waiting), *_learn(state, profile))
    is_last = not is_overtaken(positions, message_id)
    heard = heard_at(state, event.at, event.written_at)
    is_for_person = not is_led_by_ai or has_placeholder(event.text)
    # Copied once: thousands of messages a second pass here.
    state = replace(
        state,
        status=status,
        questions=questions,
        combined=_still_asked((*state.combined, *about), questions),
        pending_share=pending,
        positions=positions,
        reply=reply,
        first_customer_at=first_heard_at(state, heard),
        last_customer_at=heard,
        last_message_id=message_id if is_last else state.last_message_id,
        needs_operator=state.needs_operator or is_for_person,
        profile=profile,
        heard=remember_words(state, message_id, event.text),
        album=begin_album(event) if event.album else state.album,
        route=event.route,
        awaits_first_text=False,
        inbox=note_question(state.inbox, position, event.at),
    )
    return Decision(state, changes)


def build_message(
    event: events.CustomerWrote,
    message_id: MessageId,
    position: int,
    *,
    is_edited: bool,
) -> effects.RecordMessage:
    """Build the message that is stored of a customer's words or media."""
    content = event.text
    if event.media and not content.strip():
        content = PLACEHOLDERS[event.message_type]
    return effects.RecordMessage(
        id=message_id,
        author=Author.CUSTOMER,
        content=content,
        created_at=event.at,
        processing=Processing.PENDING,
        message_type=event.message_type,
        mid=event.mid,
        media=event.media,
        position=position,
        is_edited=is_edited,
        referred=event.referred,
        reply_to_mid=event.reply_to_mid,
    )


def _record_aside(
    state: Conversation,
    event: events.CustomerWrote,
    message: effects.RecordMessage,
    policy: Policy,
) -> Decision | None:
    """Store what is no new question: unsent, a note, or more of an album."""
    if event.mid in state.unsent_mids:
        return _record_unsent(state, message)
    if event.is_note:
        noted = replace(message, processing=Processing.COMPLETED)
        return Decision(replace(state, last_message_id=noted.id), (noted,))
    if event.album and state.album is not None and state.album.name == event.album:
        return extend_album(state, state.album, event, policy)
    return None


def _pass_over(waiting: tuple[MessageId, ...]) -> tuple[Effect, ...]:
    """Close what is too much: the answer is to the newest questions."""
    if len(waiting) <= MAX_QUESTIONS:
        return ()
    return (effects.MarkMessages(waiting[:-MAX_QUESTIONS], Processing.COMPLETED),)


def _learn(state: Conversation, profile: Profile) -> tuple[Effect, ...]:
    return () if profile == state.profile else (effects.RecordProfile(profile),)


def _record_unsent(state: Conversation, message: effects.RecordMessage) -> Decision:
    """Store a message without words: it was unsent before it reached us."""
    blank = replace(
        message,
        content="",
        media=(),
        referred="",
        processing=Processing.COMPLETED,
        is_unsent=True,
    )
    last = state.last_message_id or blank.id
    return Decision(replace(state, last_message_id=last), (blank,))


def _still_asked(
    combined: tuple[CombinedShare, ...], questions: tuple[MessageId, ...]
) -> tuple[CombinedShare, ...]:
    if not combined:
        return combined
    return tuple(share for share in combined if share.question in questions)
