"""The journal in PostgreSQL: its queries, with a shard's view of what went wrong."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import asyncpg

from persistence import journal
from persistence.database import Pool
from persistence.errors import (
    DATABASE_AWAY,
    BatchRefusedError,
    DatabaseAwayError,
)
from persistence.ids import ConversationId, EventId
from persistence.journal import Batch, Epoch, Known, TimerRow


class PostgresJournal:
    """A `Journal` over a pool of connections."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def raise_epoch(self, shard: int) -> Epoch:
        """Take the shard's place; the one that held it stops at its next write."""
        with _reading():
            return await journal.raise_epoch(self._pool, shard)

    async def renew_epoch(self, epoch: Epoch) -> Epoch | None:
        """Go on after a commit whose outcome was lost; None if another has the place.

        If that commit is still under way it is refused from now on.
        """
        with _reading():
            return await journal.renew_epoch(self._pool, epoch)

    async def fetch_timers(self, shard: int, shards: int) -> tuple[TimerRow, ...]:
        """Fetch the timers that the shard owns, the earliest first."""
        with _reading():
            return await journal.fetch_timers(self._pool, shard, shards)

    async def fetch_before_deciding(
        self, conversations: Sequence[ConversationId], events: Sequence[EventId]
    ) -> Known:
        """Fetch which of these conversations and events there are already."""
        with _reading():
            return await journal.fetch_before_deciding(
                self._pool, conversations, events
            )

    async def commit_batch(self, epoch: Epoch, batch: Batch, last_seq: int) -> None:
        """Record the batch as a whole, or nothing of it.

        Raises:
            ShardFencedError: another has the shard, or one of the conversations.
            DatabaseAwayError: the answer did not come; it may have been recorded.
            BatchRefusedError: something in it can't be stored, now or ever.
        """
        try:
            if not batch.forgotten:
                await journal.commit_batch(self._pool, epoch, batch, last_seq)
                return
            async with self._pool.acquire() as connection, connection.transaction():
                await journal.commit_batch(connection, epoch, batch, last_seq)
                await journal.forget_words(connection, batch.forgotten)
        except DATABASE_AWAY as error:
            raise DatabaseAwayError(repr(error)) from error
        except asyncpg.PostgresError as error:
            raise BatchRefusedError(str(error)) from error


@contextmanager
def _reading() -> Iterator[None]:
    # These statements carry ids and numbers only: what the server refuses in one
    # is no fault of the event, so the shard must wait and not throw the event away.
    try:
        yield
    except DATABASE_AWAY as error:
        raise DatabaseAwayError(repr(error)) from error
    except asyncpg.PostgresError as error:
        raise DatabaseAwayError(repr(error)) from error
