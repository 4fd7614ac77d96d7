"""Events and results are the same on both sides of a call to a shard."""

from uuid import UUID

from actors.conversation.errors import InvalidEventError
from actors.conversation.events import OperatorAnswered
from actors.conversation.shard.envelope import Receipt
from actors.conversation.shard.wire import (
    pack_events,
    pack_results,
    unpack_events,
    unpack_results,
)
from persistence.ids import EventId
from tests.support.clock import NOON
from tests.support.conversation.conversations import OPERATOR, Story


def write(number: int, text: str) -> OperatorAnswered:
    return OperatorAnswered(
        id=EventId(UUID(int=number)),
        conversation_id=Story().id,
        at=NOON,
        user_id=OPERATOR,
        text=text,
    )


EVENTS = [write(1, "سلام"), write(2, "خوبید؟"), write(3, "بله")]


def test_events_arrive_as_they_were() -> None:
    assert unpack_events(pack_events(EVENTS)) == EVENTS


def test_each_result_arrives_with_the_id_of_its_event() -> None:
    stored = Receipt(EVENTS[0].id, 4)
    known = Receipt(EVENTS[1].id, 2, is_duplicate=True)
    refused = InvalidEventError(event_id=EVENTS[2].id)
    packed = pack_results([stored, known, refused])
    *receipts, error = unpack_results(EVENTS, packed)
    assert receipts == [stored, known]
    assert isinstance(error, InvalidEventError)
    assert error.event_id == EVENTS[2].id
