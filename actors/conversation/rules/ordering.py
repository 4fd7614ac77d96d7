"""Where a message stands among the others: as it was written, not as it arrived."""

from bisect import bisect
from datetime import timedelta

from actors.conversation.events import CustomerWrote
from actors.conversation.state import (
    MAX_PLACED,
    POSITION_STEP,
    Conversation,
    Placed,
)
from persistence.ids import MessageId

#: Telegram gives up on an update after a day, and after a week without any it counts on
#: from a random number: what came longer ago than this was written before.
NUMBERS_HOLD = timedelta(days=2)


def place(state: Conversation) -> int:
    """Return the place after all that there is."""
    return state.version * POSITION_STEP


def place_numbered(
    state: Conversation, event: CustomerWrote, message: MessageId
) -> tuple[int, tuple[Placed, ...]]:
    """Return the message's place, and the newest places with it among them.

    A message whose number is below that of one that is there already goes before it:
    half-way to what stands before that one, so that others may still come between.
    """
    position = place(state)
    if not event.order:
        return position, state.placed
    last_at = state.last_customer_at
    is_fresh = last_at is not None and event.at - last_at <= NUMBERS_HOLD
    known = state.placed if is_fresh else ()
    index = bisect(known, event.order, key=lambda placed: placed.order)
    if index < len(known):
        ceiling = known[index].position
        # Whatever else was stored just before it stands on the step below.
        floor = (ceiling - 1) // POSITION_STEP * POSITION_STEP
        if index:
            floor = max(floor, known[index - 1].position)
        position = (floor + ceiling) // 2
    mine = Placed(event.order, position, message)
    placed = (*known[:index], mine, *known[index:])
    return position, placed[-MAX_PLACED:]


def insert_question(
    state: Conversation, message: MessageId, placed: tuple[Placed, ...]
) -> tuple[MessageId, ...]:
    """Put the question among those that wait, before those that were written later."""
    later = _written_after(placed, message)
    for index, question in enumerate(state.questions):
        if question in later:
            return (*state.questions[:index], message, *state.questions[index:])
    return (*state.questions, message)


def is_overtaken(placed: tuple[Placed, ...], message: MessageId) -> bool:
    """Whether something that was written later is there already."""
    return bool(_written_after(placed, message))


def _written_after(placed: tuple[Placed, ...], message: MessageId) -> set[MessageId]:
    ids = [one.message_id for one in placed]
    return set(ids[ids.index(message) + 1 :]) if message in ids else set()
