"""What lies in a shard's inbox: an event, and who waits to hear that it is stored."""

import asyncio
from dataclasses import dataclass, field, replace

from actors.conversation.errors import ActorError
from actors.conversation.events import Event
from persistence.ids import EventId


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a caller learns: the event is stored, and whether it was already."""

    event_id: EventId
    seq: int
    is_duplicate: bool = False


class Call:
    """What a caller brought at once, and waits for as a whole.

    Events of one call are mostly of one batch: a future for each of them took as long
    as deciding on it.
    """

    def __init__(self, events: int) -> None:
        self._results: list[Receipt | ActorError | None] = [None] * events
        self._open = events
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settle(self, place: int, result: Receipt | ActorError) -> None:
        """Note what became of the event at this place; what is noted first stays."""
        if self._results[place] is not None:
            return
        self._results[place] = result
        self._open -= 1
        if not self._open and not self._done.done():
            self._done.set_result(None)

    async def wait(self) -> list[Receipt | ActorError]:
        """Wait until all are settled; return one result per event, in order."""
        if self._open:
            await self._done
        return [result for result in self._results if result is not None]


@dataclass(slots=True)
class Parcel:
    """An event in the inbox; `call` is None for what the shard sent itself."""

    event: Event
    call: Call | None = None
    #: Which of the call's events it is.
    place: int = 0
    #: One of our own whose commit may have happened before.
    is_again: bool = False
    #: The same event once more, in the same batch: they share its fate.
    twins: "list[Parcel]" = field(default_factory=list)

    @property
    def is_ours(self) -> bool:
        """Whether the shard sent it itself."""
        return self.call is None

    def succeed(self, receipt: Receipt) -> None:
        """Tell the caller, if one still waits."""
        if self.call is not None:
            self.call.settle(self.place, receipt)
        for twin in self.twins:
            twin.succeed(replace(receipt, is_duplicate=True))

    def fail(self, error: ActorError) -> None:
        """Tell the caller why not, if one still waits."""
        if self.call is not None:
            self.call.settle(self.place, error)
        for twin in self.twins:
            twin.fail(error)


def drop_duplicates(parcels: list[Parcel], known: dict[EventId, int]) -> list[Parcel]:
    """Answer what is known already; return the rest, each event once."""
    first: dict[EventId, Parcel] = {}
    for parcel in parcels:
        event_id = parcel.event.id
        if event_id in known:
            parcel.succeed(Receipt(event_id, known[event_id], is_duplicate=True))
            continue
        original = first.setdefault(event_id, parcel)
        if original is not parcel:
            original.twins.append(parcel)
    return list(first.values())
