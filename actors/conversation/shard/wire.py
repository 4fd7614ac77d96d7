"""Serialises the events of a call to a shard, and their results.

Ray would pickle them as well, but with a pickler for code that the other side lacks:
with that one a call of 32 events took twice the time.
"""

import pickle
from collections.abc import Sequence
from typing import TypeAlias

from actors.conversation.errors import ActorError
from actors.conversation.events import Event
from actors.conversation.shard.envelope import Receipt

#: A receipt without the id, which the reader knows: seq, is_duplicate.
_PackedReceipt: TypeAlias = tuple[int, bool]


def pack_events(events: Sequence[Event]) -> bytes:
    """Serialise the events of one call."""
    return pickle.dumps(list(events), pickle.HIGHEST_PROTOCOL)


def unpack_events(packed: bytes) -> list[Event]:
    """Deserialise the events of one call."""
    events: list[Event] = pickle.loads(packed)  # noqa: S301 - from our own processes
    return events


def pack_results(results: Sequence[Receipt | ActorError]) -> bytes:
    """Serialise the results of a call, in the order of its events."""
    packed = [
        (result.seq, result.is_duplicate) if isinstance(result, Receipt) else result
        for result in results
    ]
    return pickle.dumps(packed, pickle.HIGHEST_PROTOCOL)


def unpack_results(
    events: Sequence[Event], packed: bytes
) -> list[Receipt | ActorError]:
    """Deserialise the results of these events."""
    results: list[_PackedReceipt | ActorError] = pickle.loads(packed)  # noqa: S301 - from our own processes
    return [
        Receipt(event.id, *result) if isinstance(result, tuple) else result
        for event, result in zip(events, results, strict=True)
    ]
