"""The rules of what people arrange and note among themselves."""

from dataclasses import replace
from datetime import datetime
from typing import TypeAlias, assert_never

from actors.conversation import effects, events
from actors.conversation.effects import Decision
from actors.conversation.errors import InvalidEventError
from actors.conversation.state import Author, Conversation, Status, TimerKind

InboxEvents: TypeAlias = (
    events.ConversationAssigned
    | events.ConversationSnoozed
    | events.NoteWritten
    | events.SnoozeFellDue
)


def arrange(state: Conversation, event: InboxEvents) -> Decision:
    """Apply what people arranged. Raises InvalidEventError."""
    match event:
        case events.ConversationAssigned(assignee_id=assignee_id):
            inbox = replace(state.inbox, assignee_id=assignee_id)
            return Decision(replace(state, inbox=inbox))
        case events.ConversationSnoozed():
            return _on_snoozed(state, event)
        case events.NoteWritten():
            # No message: it answers nothing, and nothing that reads messages meets it.
            note = effects.RecordNote(
                id=event.id,
                user_id=event.user_id,
                content=event.text,
                position=state.next_position,
                created_at=event.at,
            )
            return Decision(state, (note,))
        case events.SnoozeFellDue():
            return _on_snooze_due(state, event)
        case _:
            assert_never(event)


def _on_snoozed(state: Conversation, event: events.ConversationSnoozed) -> Decision:
    """Put the conversation aside; a time that is over by now ends that at once."""
    until = event.until
    if until is None or until <= event.at:
        return wake(Decision(state))
    if state.status is Status.CLOSED:
        message = "a closed conversation waits for nothing: it can't be snoozed"
        raise InvalidEventError(message, event.id)
    return Decision(_snooze(state, until), (effects.SetTimer(TimerKind.SNOOZE, until),))


def _on_snooze_due(state: Conversation, event: events.SnoozeFellDue) -> Decision:
    """Bring the conversation back: a person wanted to look again now."""
    if state.inbox.snoozed_until != event.due_at:
        return Decision(state)  # This timer's snooze is over already.
    return wake(Decision(replace(state, needs_operator=True)))


def wake_for_news(decision: Decision) -> Decision:
    """End a snooze when the customer writes, and when the conversation is closed."""
    if decision.state.inbox.snoozed_until is None:
        return decision
    has_news = any(
        isinstance(effect, effects.RecordMessage)
        and effect.author is Author.CUSTOMER
        and not effect.is_unsent
        for effect in decision.effects
    )
    is_closed = decision.state.status is Status.CLOSED
    return wake(decision) if has_news or is_closed else decision


def wake(decision: Decision) -> Decision:
    """End the snooze, if there is one, and its timer."""
    if decision.state.inbox.snoozed_until is None:
        return decision
    cleared = effects.ClearTimer(TimerKind.SNOOZE)
    return Decision(_snooze(decision.state, None), (*decision.effects, cleared))


def _snooze(state: Conversation, until: datetime | None) -> Conversation:
    return replace(state, inbox=replace(state.inbox, snoozed_until=until))
