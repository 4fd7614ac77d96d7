"""The rules of a customer's message: a question until somebody answers."""

from dataclasses import replace

from actors.conversation.effects import (
    Decision,
    Effect,
    MarkMessages,
    RecordMessage,
    RecordProfile,
    SetTimer,
)
from actors.conversation.events import CustomerWrote, message_id_of
from actors.conversation.rules.corrections import find_edit
from actors.conversation.rules.ordering import (
    insert_question,
    is_overtaken,
    position_of,
)
from actors.conversation.rules.placeholders import PLACEHOLDERS
from actors.conversation.rules.policy import Policy
from actors.conversation.rules.replies import cancel_reply
from actors.conversation.rules.reply_window import heard_at
from actors.conversation.rules.share import absorb
from actors.conversation.state import (
    MAX_QUESTIONS,
    Author,
    CombinedShare,
    Conversation,
    Processing,
    Reply,
    Status,
    TimerKind,
)
from persistence.ids import MessageId


def on_customer_wrote(
    state: Conversation, event: CustomerWrote, policy: Policy
) -> Decision:
    """Store the message; if the AI leads, wait for the rest of the burst.

    Thousands of messages a second pass here: the state is copied once.
    """
    message_id = message_id_of(event)
    position, positions = position_of(state, event, message_id)
    edit = find_edit(state, event.mid) if state.recent_edits else None
    if edit is not None:
        event = replace(event, text=edit.text)
    message = _message_of(event, message_id, position, is_edited=edit is not None)
    if event.mid in state.unsent_mids:
        return _record_unsent(state, message)
    waiting = insert_question(state, message_id, positions)
    questions = waiting[-MAX_QUESTIONS:]
    status = state.reopened_status
    is_led_by_ai = status is Status.ACTIVE and state.ai_enabled
    pending, combined, reply = state.pending_share, state.combined, None
    effects: tuple[Effect, ...] = (message,)
    if is_led_by_ai:
        absorbed = absorb(state, event)
        if absorbed.share is not None:
            pending, combined = None, (*combined, absorbed.share)
            message = replace(message, combined_content=absorbed.combined_content)
        reply = Reply(event.at + policy.reply_debounce)
        # Setting the timer replaces the one that was set: nothing is cleared.
        effects = (
            message,
            *absorbed.effects,
            *cancel_reply(state.reply, "newer_text"),
            SetTimer(TimerKind.REPLY, reply.due_at),
        )
    if len(waiting) > MAX_QUESTIONS:
        # The answer is to the newest questions; older ones stay unanswered.
        passed = MarkMessages(waiting[:-MAX_QUESTIONS], Processing.COMPLETED)
        effects = (*effects, passed)
    profile = event.profile or state.profile
    if profile != state.profile:
        effects = (*effects, RecordProfile(profile))
    is_last = not is_overtaken(positions, message_id)
    state = replace(
        state,
        status=status,
        questions=questions,
        combined=_still_asked(combined, questions),
        pending_share=pending,
        positions=positions,
        reply=reply,
        last_customer_at=heard_at(state, event.at, event.written_at),
        last_message_id=message_id if is_last else state.last_message_id,
        needs_operator=state.needs_operator or not is_led_by_ai,
        profile=profile,
    )
    return Decision(state, effects)


def _message_of(
    event: CustomerWrote,
    message_id: MessageId,
    position: int,
    *,
    is_edited: bool,
) -> RecordMessage:
    content = event.text
    if event.media and not content.strip():
        content = PLACEHOLDERS[event.message_type]
    return RecordMessage(
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
    )


def _record_unsent(state: Conversation, message: RecordMessage) -> Decision:
    """Store a message without words: it was unsent before it reached us."""
    blank = replace(
        message,
        content="",
        media=(),
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
