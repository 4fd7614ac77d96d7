"""What a shard needs of the place where it writes everything down."""

from collections.abc import Sequence
from typing import Protocol

from persistence.ids import ConversationId, EventId
from persistence.journal import Batch, Epoch, Known, TimerRow


class Journal(Protocol):
    """Remembers what shards record; each call is one round trip.

    Every call raises DatabaseAwayError when the answer did not come: asking again later
    is all that helps. A commit that ends so may have happened.
    """

    async def raise_epoch(self, shard: int) -> Epoch:
        """Take the shard's place; the one that held it stops at its next write."""
        ...

    async def renew_epoch(self, epoch: Epoch) -> Epoch | None:
        """Go on after a commit whose outcome was lost; None if another has the place.

        If that commit is still under way it is refused from now on.
        """
        ...

    async def fetch_timers(self, shard: int, shards: int) -> tuple[TimerRow, ...]:
        """Fetch the timers that the shard owns, the earliest first."""
        ...

    async def fetch_before_deciding(
        self, conversations: Sequence[ConversationId], events: Sequence[EventId]
    ) -> Known:
        """Fetch which of these conversations and events there are already."""
        ...

    async def commit_batch(self, epoch: Epoch, batch: Batch, last_seq: int) -> None:
        """Record the batch as a whole, or nothing of it.

        Raises:
            ShardFencedError: another has the shard, or one of the conversations.
            BatchRefusedError: something in it can't be stored, now or ever.
        """
        ...
