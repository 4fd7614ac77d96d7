"""A fake of the shards, which records events, and fails on demand."""

import asyncio
from collections import defaultdict
from collections.abc import Callable

from actors.conversation.events import Event
from actors.conversation.shard.envelope import Receipt
from actors.errors import ActorError
from persistence.ids import ConversationId, EventId


class RecordingShards:
    """Stores in memory, with the dedupe of the real ones."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        #: Asked before an event is stored: the error to raise, or None.
        self.fault: Callable[[Event], ActorError | None] = lambda _: None
        self._seqs: dict[EventId, int] = {}
        self._busy: defaultdict[ConversationId, int] = defaultdict(int)
        #: The most events of one conversation that were ever under way at once.
        self.most_at_once = 0

    async def submit(self, event: Event) -> Receipt:
        """Store the event, after others had a chance to come in between."""
        self._busy[event.conversation_id] += 1
        self.most_at_once = max(self.most_at_once, self._busy[event.conversation_id])
        await asyncio.sleep(0)
        self._busy[event.conversation_id] -= 1
        error = self.fault(event)
        if error is not None:
            raise error
        if event.id in self._seqs:
            return Receipt(event.id, self._seqs[event.id], is_duplicate=True)
        self.events.append(event)
        self._seqs[event.id] = len(self.events)
        return Receipt(event.id, len(self.events))
