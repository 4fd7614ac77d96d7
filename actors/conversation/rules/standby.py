"""The rules of what is said while another app of the account leads.

Meta's handover protocol tells an app that does not lead of all that is said. The AI is
silent then, and the messages are no questions to it: the other app answers them. Who
leads next needs no memory here, since what comes by the main way is ours to answer.
"""

from dataclasses import replace
from typing import TypeAlias

from actors.conversation import effects, events
from actors.conversation.effects import Decision
from actors.conversation.rules import questions, replies, share, takeover
from actors.conversation.rules.corrections import find_edit
from actors.conversation.rules.placeholders import has_placeholder
from actors.conversation.rules.reply_window import first_heard_at, heard_at
from actors.conversation.state import Conversation, Processing

Overheard: TypeAlias = events.CustomerWrote | events.CustomerShared
_REASON = "standby"


def on_customer_overheard(state: Conversation, event: Overheard) -> Decision:
    """Store what the customer wrote to another app; the AI says nothing."""
    message = _build(state, event)
    if event.mid in state.unsent_mids:
        blank = replace(message, content="", media=(), referred="", is_unsent=True)
        last = state.last_message_id or blank.id
        return Decision(replace(state, last_message_id=last), (blank,))
    heard = heard_at(state, event.at, event.written_at)
    state, stopped = takeover.stop_ai(state, _REASON, event.at)
    # What the AI was about to answer may have been meant for it.
    is_for_person = bool(state.questions) or has_placeholder(message.content)
    state = replace(
        state,
        status=state.reopened_status,
        first_customer_at=first_heard_at(state, heard),
        last_customer_at=heard,
        last_message_id=message.id,
        needs_operator=state.needs_operator or is_for_person,
    )
    return Decision(state, (message, *stopped))


def on_answer_overheard(
    state: Conversation, event: events.EchoReceived, message: effects.RecordMessage
) -> Decision:
    """Store what another app answered; it leads already, so nobody takes over."""
    state, stopped = takeover.stop_ai(state, _REASON, event.at)
    state, closed = replies.close_questions(state, Processing.COMPLETED)
    state = replace(state, last_message_id=message.id)
    return Decision(state, (message, *stopped, *closed))


def _build(state: Conversation, event: Overheard) -> effects.RecordMessage:
    if isinstance(event, events.CustomerShared):
        return share.build_share(state, event)
    edit = find_edit(state, event.mid)
    if edit is not None:
        event = replace(event, text=edit.text)
    message = questions.build_message(
        event,
        events.message_id_of(event),
        state.next_position,
        is_edited=edit is not None,
    )
    return replace(message, processing=Processing.COMPLETED)
