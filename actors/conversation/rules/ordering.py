"""The order of a customer's messages, where the platform numbers them."""

from bisect import bisect
from datetime import timedelta

from actors.conversation import events
from actors.conversation.state import POSITION_STEP, Conversation, Position
from persistence.ids import MessageId

#: Updates overtake each other by seconds, not by more messages than this.
MAX_POSITIONS = 16
#: Telegram drops an update after a day, and after a week without any it continues from
#: a random number: across a longer silence than this the numbers order nothing.
NUMBERS_HOLD = timedelta(days=2)


def position_of(
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


def insert_question(
    state: Conversation, message: MessageId, positions: tuple[Position, ...]
) -> tuple[MessageId, ...]:
    """Insert the question before those that were written later."""
    later = _written_after(positions, message)
    for index, question in enumerate(state.questions):
        if question in later:
            return (*state.questions[:index], message, *state.questions[index:])
    return (*state.questions, message)


def is_overtaken(positions: tuple[Position, ...], message: MessageId) -> bool:
    """Whether a message that was written later is stored already."""
    return bool(_written_after(positions, message))


def _written_after(
    positions: tuple[Position, ...], message: MessageId
) -> set[MessageId]:
    ids = [position.message_id for position in positions]
    return set(ids[ids.index(message) + 1 :]) if message in ids else set()
