"""Singles out an event whose commit takes too long, so that others go on."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from uuid import UUID

from actors.conversation.events import CustomerErased, Event, ReplyFailed, ReplyWritten
from actors.conversation.reasons import FailureReason
from actors.conversation.shard.envelope import Envelope
from persistence.ids import EventId

#: An event whose commit took too long so often, with nothing beside it, never succeeds.
MAX_TIMEOUTS = 3
#: Suspects that are remembered; the oldest are forgotten.
MAX_SUSPECTS = 10_000


class Suspects:
    """The events of batches whose commit took too long.

    Such a commit looks like a database that is away. If it was the batch's own fault,
    the same batch would fail for ever: so each of its events is tried alone when it
    comes again, and the one that is at fault is given up after some attempts.
    """

    def __init__(self) -> None:
        self._timeouts: OrderedDict[EventId, int] = OrderedDict()

    def split(self, envelopes: list[Envelope]) -> list[list[Envelope]]:
        """Split a batch so that each suspect and each erasure is alone, in order.

        An erasure removes all rows of its conversation: in one batch with the
        customer's next message it would remove that one, too.
        """
        batches: list[list[Envelope]] = [[]]
        for envelope in envelopes:
            event = envelope.event
            if event.id in self._timeouts or isinstance(event, CustomerErased):
                batches.extend(([envelope], []))
            else:
                batches[-1].append(envelope)
        return [batch for batch in batches if batch]

    def clear(self, envelopes: Sequence[Envelope]) -> None:
        """Clear events that were committed."""
        if self._timeouts:
            for envelope in envelopes:
                self._timeouts.pop(envelope.event.id, None)

    def note_timeout(self, envelopes: Sequence[Envelope]) -> bool:
        """Suspect the events; return whether there is one, and it is hopeless."""
        is_alone = len(envelopes) == 1
        for envelope in envelopes:
            event_id = envelope.event.id
            count = self._timeouts.pop(event_id, 0) + is_alone
            if count >= MAX_TIMEOUTS:
                return True
            self._timeouts[event_id] = count
        while len(self._timeouts) > MAX_SUSPECTS:
            self._timeouts.popitem(last=False)
        return False


def build_failure(event: Event, new_id: Callable[[], UUID]) -> ReplyFailed | None:
    """Build what follows from an event that can't be stored.

    No caller waits for an answer that was written, but the customer does.
    """
    if not isinstance(event, ReplyWritten):
        return None
    return ReplyFailed(
        id=EventId(new_id()),
        conversation_id=event.conversation_id,
        at=event.at,
        job=event.job,
        reason=FailureReason.NOT_STORED,
    )
