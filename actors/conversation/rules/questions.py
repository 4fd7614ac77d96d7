"""The rules of a customer's message: a question until somebody answers."""

from bisect import bisect
from dataclasses import replace
from datetime import timedelta

from actors.conversation import effects, events
from actors.conversation.effects import Decision, Effect
from actors.conversation.rules.corrections import find_edit
from actors.conversation.rules.placeholders import PLACEHOLDERS
from actors.conversation.rules.policy import Policy
from actors.conversation.rules.replies import cancel_reply
from actors.conversation.rules.reply_window import heard_at
from actors.conversation.rules.share import absorb, combine_all, refer
from actors.conversation.state import (
    MAX_QUESTIONS,
    POSITION_STEP,
    Author,
    CombinedShare,
    Conversation,
    Position,
    Processing,
    Reply,
    Status,
    TimerKind,
)
from persistence.ids import MessageId

#: Updates overtake each other by seconds, not by more messages than this.
MAX_POSITIONS = 16
#: Telegram drops an update after a day, and after a week without any it continues from
#: a random number: across a longer silence than this the numbers order nothing.
NUMBERS_HOLD = timedelta(days=2)


def on_customer_wrote(
    state: Conversation, event: events.CustomerWrote, policy: Policy
) -> Decision:
    """Store the message; if the AI leads, wait for the rest of the burst.

    Thousands of messages a second pass here: the state is copied once.
    """
    message_id = events.message_id_of(event)
    position, positions = _position_of(state, event, message_id)
    edit = find_edit(state, event.mid) if state.recent_edits else None
    if edit is not None:
        event = replace(event, text=edit.text)
    message = _message_of(event, message_id, position, is_edited=edit is not None)
    if event.mid in state.unsent_mids:
        return _record_unsent(state, message)
    waiting = _insert_question(state, message_id, positions)
    questions = waiting[-MAX_QUESTIONS:]
    status = state.reopened_status
    is_led_by_ai = status is Status.ACTIVE and state.ai_enabled
    pending, about, reply = state.pending_share, refer(event), None
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
    if len(waiting) > MAX_QUESTIONS:
        # The answer is to the newest questions; older ones stay unanswered.
        passed = effects.MarkMessages(waiting[:-MAX_QUESTIONS], Processing.COMPLETED)
        changes = (*changes, passed)
    profile = event.profile or state.profile
    if profile != state.profile:
        changes = (*changes, effects.RecordProfile(profile))
    is_last = not _is_overtaken(positions, message_id)
    state = replace(
        state,
        status=status,
        questions=questions,
        combined=_still_asked((*state.combined, *about), questions),
        pending_share=pending,
        positions=positions,
        reply=reply,
        last_customer_at=heard_at(state, event.at, event.written_at),
        last_message_id=message_id if is_last else state.last_message_id,
        needs_operator=state.needs_operator or not is_led_by_ai,
        profile=profile,
    )
    return Decision(state, changes)


def _message_of(
    event: events.CustomerWrote,
    message_id: MessageId,
    position: int,
    *,
    is_edited: bool,
) -> effects.RecordMessage:
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


def _position_of(
    state: Conversation, event: events.CustomerWrote, message: MessageId
) -> tuple[int, tuple[Position, ...]]:
    """Return the message's position, and the newest positions including it.

    A message with a lower number than a stored one goes before it: half-way to the
    position before that, so that others still fit between.
    """
    position = state.next_position
    if not event.order:
        return position, state.positions
    last_at = state.last_customer_at
    is_fresh = last_at is not None and event.at - last_at <= NUMBERS_HOLD
    known = state.positions if is_fresh else ()
    index = bisect(known, event.order, key=lambda position: position.order)
    if index < len(known):
        ceiling = known[index].position
        # Another message that was stored just before it is on the step below.
        floor = (ceiling - 1) // POSITION_STEP * POSITION_STEP
        if index:
            floor = max(floor, known[index - 1].position)
        position = (floor + ceiling) // 2
    mine = Position(event.order, position, message)
    positions = (*known[:index], mine, *known[index:])
    return position, positions[-MAX_POSITIONS:]


def _insert_question(
    state: Conversation, message: MessageId, positions: tuple[Position, ...]
) -> tuple[MessageId, ...]:
    """Insert the question before those that were written later."""
    later = _written_after(positions, message)
    for index, question in enumerate(state.questions):
        if question in later:
            return (*state.questions[:index], message, *state.questions[index:])
    return (*state.questions, message)


def _is_overtaken(positions: tuple[Position, ...], message: MessageId) -> bool:
    """Whether a message that was written later is stored already."""
    return bool(_written_after(positions, message))


def _written_after(
    positions: tuple[Position, ...], message: MessageId
) -> set[MessageId]:
    ids = [position.message_id for position in positions]
    return set(ids[ids.index(message) + 1 :]) if message in ids else set()
