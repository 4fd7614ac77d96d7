"""The fence of people's answers: none goes out past a message that was not seen."""

from collections.abc import Iterable
from dataclasses import replace

from actors.conversation import effects, events
from actors.conversation.errors import NewerMessagesError
from actors.conversation.inbox_state import InboxState
from actors.conversation.state import Conversation
from persistence.ids import UserId


def check_seen(state: Conversation, event: events.OperatorAnswered) -> None:
    """Refuse an answer to a conversation that has gone on.

    An operator's own messages don't count: two answers in a row are no surprise.

    Raises:
        NewerMessagesError: somebody else's message stands behind `seen_position`.
    """
    seen = event.seen_position
    if seen is not None and seen < state.inbox.newest_for(event.user_id):
        raise NewerMessagesError


def note_messages(
    inbox: InboxState, stored: Iterable[effects.Effect], event: events.Event
) -> InboxState:
    """Note the position and the author of the messages that the event stores."""
    author = event.user_id if isinstance(event, events.OperatorAnswered) else None
    for effect in stored:
        if isinstance(effect, effects.RecordMessage):
            inbox = note_message(inbox, effect.position, author)
    return inbox


def note_message(
    inbox: InboxState, position: int, author: UserId | None = None
) -> InboxState:
    """Note one message; noted twice it changes nothing."""
    is_same = author == inbox.newest_user_id
    if is_same and position == inbox.newest_position:
        return inbox
    if position >= inbox.newest_position:
        others = inbox.others_position if is_same else inbox.newest_position
        return replace(
            inbox,
            newest_position=position,
            newest_user_id=author,
            others_position=0 if author is None else others,
        )
    # Its platform numbered it below what stands there already: it comes late.
    if inbox.newest_user_id is None or is_same or position <= inbox.others_position:
        return inbox
    return replace(inbox, others_position=position)
