"""How events travel to a shard and results back: as bytes, a batch at a time.

Ray would pickle them as well, but by a pickler made for code that it has never seen:
with that one a call of 32 events took twice the time.
"""

import pickle
from collections.abc import Sequence
from typing import TypeAlias

from actors.conversation.errors import ActorError
from actors.conversation.events import Event
from actors.conversation.shard.envelope import Receipt

#: A receipt without the id, which its reader knows: seq, whether it is a duplicate.
_Told: TypeAlias = tuple[int, bool]


def pack_events(events: Sequence[Event]) -> bytes:
    """Write the events of one call."""
    return pickle.dumps(list(events), pickle.HIGHEST_PROTOCOL)


def unpack_events(packed: bytes) -> list[Event]:
    """Read them back."""
    events: list[Event] = pickle.loads(packed)  # noqa: S301 - from our own processes
    return events


def pack_results(results: Sequence[Receipt | ActorError]) -> bytes:
    """Write what became of the events of a call, in their order."""
    told = [
        (result.seq, result.is_duplicate) if isinstance(result, Receipt) else result
        for result in results
    ]
    return pickle.dumps(told, pickle.HIGHEST_PROTOCOL)


def unpack_results(
    events: Sequence[Event], packed: bytes
) -> list[Receipt | ActorError]:
    """Read back what became of these events."""
    told: list[_Told | ActorError] = pickle.loads(packed)  # noqa: S301 - from our own processes
    return [
        Receipt(event.id, *one) if isinstance(one, tuple) else one
        for event, one in zip(events, told, strict=True)
    ]
