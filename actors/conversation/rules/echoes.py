"""The rules of echoes: reports of our own messages, and of the owner's answers."""

from dataclasses import replace

from actors.conversation import effects, events
from actors.conversation.effects import Decision, Effect
from actors.conversation.rules import outcomes, standby
from actors.conversation.rules.corrections import find_edit
from actors.conversation.rules.greetings import is_greeting
from actors.conversation.rules.placeholders import PLACEHOLDERS
from actors.conversation.rules.takeover import take_over
from actors.conversation.state import (
    AssumedEcho,
    Author,
    Conversation,
    Delivery,
    Processing,
)
from persistence.ids import MessageId


def on_echo(state: Conversation, event: events.EchoReceived) -> Decision:
    """Distinguish our own echo from an answer that the owner typed in the app.

    A known mid is ours. An echo may overtake the result of our call, and after a
    time-out there is no result: then an echo with the text of the part under way
    counts as its echo, until the platform names the part itself.
    """
    if event.mid in state.recent_mids:
        return Decision(state)
    ours = _take_for_ours(state, event)
    if ours is not None:
        return _correct(ours, event.mid)
    message = effects.RecordMessage(
        id=events.message_id_of(event),
        author=Author.SUPPORT,
        content=event.text or PLACEHOLDERS[event.message_type],
        created_at=event.at,
        processing=Processing.COMPLETED,
        message_type=event.message_type,
        mid=event.mid,
        media=event.media,
    )
    if event.is_standby:
        return standby.on_answer_overheard(state, event, _reword(state, message))
    if is_greeting(state, event):
        # Whoever leads goes on leading, and what was asked is still to be answered.
        message = _reword(state, message)
        return Decision(replace(state, last_message_id=message.id), (message,))
    return _owner_answered(state, message)


def _take_for_ours(state: Conversation, event: events.EchoReceived) -> Decision | None:
    """Match the echo with the part under way, or an unconfirmed one, if it is ours."""
    head = state.sends[0] if state.sends else None
    if (
        head is not None
        and head.delivery is not Delivery.QUEUED
        and head.content.split() == event.text.split()
    ):
        # A part that was sent twice may have two mids: neither is assumed.
        if not outcomes.is_unconfirmed(state, head):
            assumed = AssumedEcho(event.id, head.id, event.mid, event.text, event.at)
            state = replace(state, assumed=assumed)
        return outcomes.acknowledge_head(state, head, event.mid, event.at)
    return outcomes.acknowledge_unconfirmed(state, event.text, event.mid, event.at)


def on_part_delivered(state: Conversation, event: events.PartDelivered) -> Decision:
    """Record the part's mid, and continue with the next part."""
    acknowledged = outcomes.acknowledge_part(state, event.send_id, event.mid, event.at)
    if acknowledged is not None:
        return _correct(acknowledged, event.mid)
    # The part was acknowledged already. Its mid still identifies its echo.
    state = outcomes.remember_mid(state, event.mid)
    assumed = state.assumed
    if assumed is None or assumed.send_id != event.send_id:
        return Decision(state)
    state = replace(state, assumed=None)
    if assumed.mid == event.mid:
        return Decision(state)
    # The owner typed the same text, and the assumed echo was the owner's.
    return _owner_answered(
        state,
        effects.RecordMessage(
            id=MessageId(assumed.event_id),
            author=Author.SUPPORT,
            content=assumed.text,
            created_at=assumed.at,
            processing=Processing.COMPLETED,
            mid=assumed.mid,
        ),
    )


def _correct(delivered: Decision, mid: str) -> Decision:
    """Apply to the message what the owner had already done to this mid."""
    state = delivered.state
    ids = tuple(sent.message_id for sent in state.recent_sent if sent.mid == mid)
    edit = find_edit(state, mid)
    late: tuple[Effect, ...] = ()
    if ids and mid in state.unsent_mids:
        late = (effects.BlankMessages(ids),)
    elif ids and edit is not None:
        late = (effects.RewriteMessages(ids, edit.text),)
    return Decision(state, (*delivered.effects, *late))


def _owner_answered(state: Conversation, message: effects.RecordMessage) -> Decision:
    """Let the owner lead, and store the answer."""
    return take_over(state, _reword(state, message), message.created_at)


def _reword(
    state: Conversation, message: effects.RecordMessage
) -> effects.RecordMessage:
    """Return the message at its position, with its latest words."""
    message = replace(message, position=state.next_position)
    edit = None if message.mid is None else find_edit(state, message.mid)
    if message.mid in state.unsent_mids:
        return replace(message, content="", media=(), is_unsent=True)
    if edit is not None:
        return replace(message, content=edit.text, is_edited=True)
    return message
