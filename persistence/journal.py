"""Stores the batches of the shards, and reads what a shard needs to decide."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import asyncpg
import orjson
import structlog

from persistence import errors, ids
from persistence.batch import NO_MEDIA as NO_MEDIA
from persistence.batch import Batch as Batch
from persistence.batch import ConversationRow as ConversationRow
from persistence.batch import CustomerRow as CustomerRow
from persistence.batch import EventRow as EventRow
from persistence.batch import MessageRow as MessageRow
from persistence.batch import MessageUpdate as MessageUpdate
from persistence.batch import ProofRow as ProofRow
from persistence.batch import SendRow as SendRow
from persistence.batch import TimerRow as TimerRow
from persistence.database import Connection, Db, Pool
from persistence.erasure import (
    KeyedHash,
    erase_customer,
    record_forgotten,
)
from persistence.notes import record_notes
from persistence.proofs import erase_proofs
from persistence.queries import build_row, load_queries
from persistence.workflow_runs import record_progress

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_SQL = load_queries("journal")
#: The error code of `refuse_batch`.
FENCED = "PF001"

log = structlog.get_logger("journal")


@dataclass(frozen=True, slots=True)
class Epoch:
    """A holder's claim to a shard, and the last sequence number of the shard."""

    shard: int
    epoch: int
    seq: int


@dataclass(frozen=True, slots=True)
class Known:
    """The stored input of a batch: states as JSON text, sequence numbers of events."""

    states: dict[ids.ConversationId, str]
    events: dict[ids.EventId, int]


class PostgresJournal:
    """The `Journal` of `actors/conversation/ports.py`, on a pool of connections."""

    def __init__(self, pool: Pool, keyed_hash: KeyedHash | None = None) -> None:
        """Without a keyed hash no customer can be erased, nor known as erased."""
        self._pool = pool
        self._keyed_hash = keyed_hash

    async def raise_epoch(self, shard: int) -> Epoch:
        """Claim the shard in the table `shards`."""
        with _reading():
            row = await self._pool.fetchrow(_SQL["raise_epoch"], shard)
        if row is None:
            raise errors.PersistenceError
        return Epoch(shard, row["epoch"], row["seq"])

    async def renew_epoch(self, epoch: Epoch) -> Epoch | None:
        """Use up one sequence number, so that a commit under way is refused."""
        with _reading():
            row = await self._pool.fetchrow(
                _SQL["renew_epoch"], epoch.shard, epoch.epoch
            )
        return None if row is None else replace(epoch, seq=row["seq"])

    async def fetch_timers(self, shard: int, shards: int) -> tuple[TimerRow, ...]:
        """Fetch the timers of the shard's slots, the earliest first."""
        with _reading():
            rows = await self._pool.fetch(_SQL["fetch_timers"], shard, shards)
        return tuple(build_row(TimerRow, row) for row in rows)

    async def fetch_before_deciding(
        self, conversations: Sequence[ids.ConversationId], events: Sequence[ids.EventId]
    ) -> Known:
        """Fetch the stored ones of these conversations and events in one query."""
        digests = self._keyed_hash.digests(events) if self._keyed_hash else {}
        with _reading():
            rows = await self._pool.fetch(
                _SQL["fetch_before_deciding"],
                orjson.dumps(conversations).decode(),
                orjson.dumps(events).decode(),
                orjson.dumps(list(digests)).decode(),
            )
        return Known(
            {row["id"]: row["state"] for row in rows if row["kind"] == "state"},
            {row["id"]: row["seq"] for row in rows if row["kind"] == "event"}
            | {digests[row["state"]]: 0 for row in rows if row["kind"] == "forgotten"},
        )

    async def commit_batch(self, epoch: Epoch, batch: Batch, last_seq: int) -> None:
        """Write the batch in one transaction, and notify the listeners."""
        try:
            if batch.is_plain:
                await commit_batch(self._pool, epoch, batch, last_seq)
                return
            async with self._pool.acquire() as connection, connection.transaction():
                if batch.redacted:
                    await forget_combinations(connection, batch.redacted)
                await commit_batch(connection, epoch, batch, last_seq)
                if batch.redacted:
                    await redact_events(
                        connection, batch.redacted, batch.placeholder_lines
                    )
                await record_progress(connection, batch.progress)
                await record_notes(connection, batch.notes)
                await self._erase(connection, batch)
        except TimeoutError as error:
            if error.errno is None:
                # Not the network's: the statement took longer than we wait.
                raise errors.CommitTimedOutError(repr(error)) from error
            raise errors.DatabaseAwayError(repr(error)) from error
        except errors.DATABASE_AWAY as error:
            raise errors.DatabaseAwayError(repr(error)) from error
        except asyncpg.PostgresError as error:
            raise errors.BatchRefusedError(str(error)) from error

    async def _erase(self, db: Connection, batch: Batch) -> None:
        if batch.erasure is None and not batch.forgotten:
            return
        if self._keyed_hash is None:
            message = "no key was given to remember erased events by"
            raise errors.BatchRefusedError(message)
        await record_forgotten(db, self._keyed_hash, batch.forgotten)
        if batch.erasure is not None:
            await erase_customer(db, self._keyed_hash, batch.erasure)


@contextmanager
def _reading() -> Iterator[None]:
    # These statements carry ids and numbers only. A statement that the server refuses
    # is a bug, but no fault of the event: the shard waits and keeps the event.
    try:
        yield
    except errors.DATABASE_AWAY as error:
        raise errors.DatabaseAwayError(repr(error)) from error
    except asyncpg.PostgresError as error:
        log.exception("statement_refused")
        raise errors.DatabaseAwayError(repr(error)) from error


async def fence_all(db: Connection) -> None:
    """Fence every shard of an earlier runtime, also of one with more shards."""
    await db.execute(_SQL["fence_all"])


async def commit_batch(db: Db, epoch: Epoch, batch: Batch, last_seq: int) -> None:
    """Record the batch in one statement, and notify the listeners.

    Raises:
        ShardFencedError: this shard or a conversation has another writer.
        asyncpg.PostgresError, OSError: the database refused, or is away.
    """
    cleared = [key for key, timer in batch.timers.items() if timer is None]
    try:
        await db.execute(
            _SQL["commit_batch"],
            epoch.shard,
            epoch.epoch,
            last_seq,
            epoch.seq,
            _to_json(batch.customers.values()),
            _to_json(batch.conversations.values()),
            _to_json(batch.events),
            _to_json(batch.messages.values()),
            _to_json(batch.updates.values()),
            _to_json(batch.sends.values()),
            _to_json(timer for timer in batch.timers.values() if timer is not None),
            [conversation for conversation, _ in cleared],
            [kind for _, kind in cleared],
            f"{epoch.shard}:{epoch.seq + 1}:{last_seq}",
            list({customer.channel_id for customer in batch.customers.values()}),
            _to_json(batch.proofs),
        )
    except asyncpg.PostgresError as error:
        if error.sqlstate == FENCED:
            raise errors.ShardFencedError from error
        raise


async def forget_combinations(
    db: Connection, messages: Collection[tuple[ids.ConversationId, str]]
) -> None:
    """Remove texts that combine questions with these messages.

    In the transaction of the batch that empties the messages, and before it: a text is
    found by the words that it holds.
    """
    await db.execute(
        _SQL["forget_combinations"],
        [conversation for conversation, _ in messages],
        [mid for _, mid in messages],
    )


async def redact_events(
    db: Connection,
    messages: Collection[tuple[ids.ConversationId, str]],
    placeholder_lines: tuple[str, str] = ("", ""),
) -> None:
    """Remove the words of these messages from the history, this batch included.

    They may stand in any prompt of their conversation: its proofs are emptied.

    A statement does not see what another of the same moment inserts: it comes after
    `commit_batch`, in the same transaction.
    """
    await db.execute(
        _SQL["redact_events"],
        [conversation for conversation, _ in messages],
        [mid for _, mid in messages],
        *placeholder_lines,
    )
    await erase_proofs(db, {conversation for conversation, _ in messages})


def _to_json(rows: "Iterable[DataclassInstance]") -> str:
    """Write rows as JSON text, as objects by their fields' names."""
    return orjson.dumps(list(rows)).decode()
