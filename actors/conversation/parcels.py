"""What lies in a shard's inbox: an event, and who waits to hear that it is stored."""

import asyncio
from dataclasses import dataclass, replace

from actors.conversation.errors import ActorError
from actors.conversation.events import Event
from persistence.ids import EventId


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a caller learns: the event is stored, and whether it was already."""

    event_id: EventId
    seq: int
    is_duplicate: bool = False


@dataclass(slots=True)
class Parcel:
    """An event in the inbox; `done` is None for what the shard sent itself."""

    event: Event
    done: asyncio.Future[Receipt] | None = None
    #: One of our own whose commit may have happened before.
    is_again: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether the shard sent it itself."""
        return self.done is None

    def succeed(self, receipt: Receipt) -> None:
        """Tell the caller, if one still waits."""
        if self.done is not None and not self.done.done():
            self.done.set_result(receipt)

    def fail(self, error: ActorError) -> None:
        """Tell the caller why not, if one still waits."""
        if self.done is not None and not self.done.done():
            self.done.set_exception(error)


def drop_duplicates(parcels: list[Parcel], known: dict[EventId, int]) -> list[Parcel]:
    """Answer what is known already; return the rest, each event once."""
    first: dict[EventId, Parcel] = {}
    for parcel in parcels:
        event_id = parcel.event.id
        if event_id in known:
            parcel.succeed(Receipt(event_id, known[event_id], is_duplicate=True))
        elif event_id in first:
            _follow(first[event_id], parcel)
        else:
            first[event_id] = parcel
    return list(first.values())


def _follow(original: Parcel, twin: Parcel) -> None:
    """Let the second copy of an event share the fate of the first."""

    def settle(done: asyncio.Future[Receipt]) -> None:
        error = done.exception()
        if isinstance(error, ActorError):
            twin.fail(error)
        elif error is None:
            twin.succeed(replace(done.result(), is_duplicate=True))

    if original.done is not None:
        original.done.add_done_callback(settle)
