"""The envelopes of a shard's inbox: an event, and the call that waits for it.

The events and results of a call are packed here as well. Ray would pickle them, but
with a pickler for code that the other side lacks: with that one a call of 32 events
took twice the time.
"""

import asyncio
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from actors.conversation.errors import ShardUnavailableError
from actors.conversation.events import Event
from actors.errors import ActorError
from persistence.ids import EventId


@dataclass(frozen=True, slots=True)
class Receipt:
    """The confirmation that an event is stored, now or before."""

    event_id: EventId
    seq: int
    is_duplicate: bool = False


class Call:
    """The events that a caller submitted together, and awaits together.

    They are mostly of one batch: a future per event took as long as its decision.
    """

    def __init__(self, events: int) -> None:
        self._results: list[Receipt | ActorError | None] = [None] * events
        self._open = events
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settle(self, index: int, result: Receipt | ActorError) -> None:
        """Set the result of the event at this index; the first result stays."""
        if self._results[index] is not None:
            return
        self._results[index] = result
        self._open -= 1
        if not self._open and not self._done.done():
            self._done.set_result(None)

    async def wait(self) -> list[Receipt | ActorError]:
        """Wait until all are settled; return one result per event, in order."""
        if self._open:
            await self._done
        return [result for result in self._results if result is not None]


@dataclass(slots=True)
class Envelope:
    """An event in the inbox; `call` is None for an event of the shard itself."""

    event: Event
    call: Call | None = None
    #: The index among the events of the call.
    index: int = 0
    #: An internal event whose commit may have happened before.
    is_retry: bool = False
    #: The same event again, in the same batch: these get the same result.
    duplicates: "list[Envelope]" = field(default_factory=list)

    @property
    def is_internal(self) -> bool:
        """Whether the event is a timer or a result of the shard itself."""
        return self.call is None

    def succeed(self, receipt: Receipt) -> None:
        """Confirm the event to its caller."""
        if self.call is not None:
            self.call.settle(self.index, receipt)
        for duplicate in self.duplicates:
            duplicate.succeed(replace(receipt, is_duplicate=True))

    def fail(self, error: ActorError) -> None:
        """Refuse the event to its caller."""
        if self.call is not None:
            self.call.settle(self.index, error)
        for duplicate in self.duplicates:
            duplicate.fail(error)


def drop_duplicates(
    envelopes: list[Envelope], known: dict[EventId, int]
) -> list[Envelope]:
    """Confirm events that are stored already; return the rest, each event once."""
    first: dict[EventId, Envelope] = {}
    for envelope in envelopes:
        event_id = envelope.event.id
        if event_id in known:
            envelope.succeed(Receipt(event_id, known[event_id], is_duplicate=True))
            continue
        original = first.setdefault(event_id, envelope)
        if original is not envelope:
            original.duplicates.append(envelope)
    return list(first.values())


def refuse(envelopes: Sequence[Envelope]) -> None:
    """Tell callers that nothing was stored, and that they may try again."""
    for envelope in envelopes:
        envelope.fail(ShardUnavailableError())


def refuse_callers(inbox: asyncio.Queue[Envelope]) -> None:
    """Refuse waiting callers while the database is away; keep internal events."""
    kept: list[Envelope] = []
    while not inbox.empty():
        envelope = inbox.get_nowait()
        inbox.task_done()
        if envelope.is_internal:
            kept.append(envelope)
        else:
            envelope.fail(ShardUnavailableError())
    for envelope in kept:
        inbox.put_nowait(envelope)


def pack_events(events: Sequence[Event]) -> bytes:
    """Serialise the events of one call."""
    return pickle.dumps(list(events), pickle.HIGHEST_PROTOCOL)


def unpack_events(packed: bytes) -> list[Event]:
    """Deserialise the events of one call."""
    events: list[Event] = pickle.loads(packed)  # noqa: S301 - from our own processes
    return events


def pack_results(results: Sequence[Receipt | ActorError]) -> bytes:
    """Serialise the results of a call, in the order of its events."""
    # The reader knows the ids.
    packed = [
        (result.seq, result.is_duplicate) if isinstance(result, Receipt) else result
        for result in results
    ]
    return pickle.dumps(packed, pickle.HIGHEST_PROTOCOL)


def unpack_results(
    events: Sequence[Event], packed: bytes
) -> list[Receipt | ActorError]:
    """Deserialise the results of these events."""
    results: list[tuple[int, bool] | ActorError] = pickle.loads(packed)  # noqa: S301 - from our own processes
    return [
        Receipt(event.id, *result) if isinstance(result, tuple) else result
        for event, result in zip(events, results, strict=True)
    ]
