"""The rules of echoes: our own words come back, or the owner answered in the app."""

from dataclasses import replace

from actors.conversation.effects import (
    BlankMessages,
    Decision,
    Effect,
    RecordMessage,
    RewriteMessages,
)
from actors.conversation.events import EchoReceived, PartDelivered, message_id_of
from actors.conversation.rules.acknowledgement import (
    is_doubted,
    part_delivered,
    remember_mid,
    settle_doubt,
    settle_part,
)
from actors.conversation.rules.corrections import find_edit
from actors.conversation.rules.ordering import place
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


def on_echo(state: Conversation, event: EchoReceived) -> Decision:
    """Tell our own echo from an answer that the owner typed in the app.

    Its mid decides. An echo may overtake the answer to our own call, and after a
    time-out no answer comes: then an echo that says what the part under way says is
    taken for it, until the platform names the part itself.
    """
    if event.mid in state.recent_mids:
        return Decision(state)
    ours = _take_for_ours(state, event)
    if ours is not None:
        return _correct(ours, event.mid)
    return _owner_answered(
        state,
        RecordMessage(
            id=message_id_of(event),
            author=Author.SUPPORT,
            content=event.text or PLACEHOLDERS[event.message_type],
            created_at=event.at,
            processing=Processing.COMPLETED,
            message_type=event.message_type,
            mid=event.mid,
            media=event.media,
        ),
    )


def _take_for_ours(state: Conversation, event: EchoReceived) -> Decision | None:
    """Take the echo for the part under way, or one in doubt; None if it is neither."""
    head = state.sends[0] if state.sends else None
    if (
        head is not None
        and head.delivery is not Delivery.QUEUED
        and head.content.split() == event.text.split()
    ):
        # Of a part that was sent before, two names may be ours: neither is assumed.
        if not is_doubted(state, head):
            assumed = AssumedEcho(event.id, head.id, event.mid, event.text, event.at)
            state = replace(state, assumed=assumed)
        return part_delivered(state, head, event.mid, event.at)
    return settle_doubt(state, event.text, event.mid, event.at)


def on_part_delivered(state: Conversation, event: PartDelivered) -> Decision:
    """Note the platform's name for the part, and go on with the next."""
    settled = settle_part(state, event.send_id, event.mid, event.at)
    if settled is not None:
        return _correct(settled, event.mid)
    # The part was settled already. Its name still tells its echo from the owner's.
    state = remember_mid(state, event.mid)
    assumed = state.assumed
    if assumed is None or assumed.send_id != event.send_id:
        return Decision(state)
    state = replace(state, assumed=None)
    if assumed.mid == event.mid:
        return Decision(state)
    # Two said the same at once, and the echo that came first was the owner's.
    return _owner_answered(
        state,
        RecordMessage(
            id=MessageId(assumed.event_id),
            author=Author.SUPPORT,
            content=assumed.text,
            created_at=assumed.at,
            processing=Processing.COMPLETED,
            mid=assumed.mid,
        ),
    )


def _correct(delivered: Decision, mid: str) -> Decision:
    """Do to what has just got its name what the owner did to that name before."""
    state = delivered.state
    ids = tuple(sent.message_id for sent in state.recent_sent if sent.mid == mid)
    edit = find_edit(state, mid)
    late: tuple[Effect, ...] = ()
    if ids and mid in state.unsent_mids:
        late = (BlankMessages(ids),)
    elif ids and edit is not None:
        late = (RewriteMessages(ids, edit.text),)
    return Decision(state, (*delivered.effects, *late))


def _owner_answered(state: Conversation, message: RecordMessage) -> Decision:
    """Let the owner lead, and store the answer as it is by now."""
    message = replace(message, position=place(state))
    edit = None if message.mid is None else find_edit(state, message.mid)
    if message.mid in state.unsent_mids:
        message = replace(message, content="", media=(), is_unsent=True)
    elif edit is not None:
        message = replace(message, content=edit.text, is_edited=True)
    return take_over(state, message, message.created_at)
