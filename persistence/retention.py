"""Removes messages, events, parts and proofs that are older than the retention."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from persistence.database import Connection, Db
from persistence.ids import ConversationId
from persistence.queries import build_row, load_queries

_SQL = load_queries("retention")
#: Conversations of one step: a step holds its locks for milliseconds.
PAGE = 100


#: The most by which one call moves the end of the retention beyond what is oldest.
PRUNE_STEP = timedelta(days=1)


def bound_now(
    at: datetime, now: datetime, oldest: datetime | None, retention: timedelta
) -> datetime:
    """Return the time by which old rows may be deleted: `at`, or earlier.

    No clock is trusted alone. The database's, `now`, may not be behind, and the end of
    the retention goes at most a day beyond the oldest row: a clock that is years ahead
    costs a day of history in each hour that it stays so.
    """
    trusted = min(at, now)
    return trusted if oldest is None else min(trusted, oldest + retention + PRUNE_STEP)


async def fetch_trusted_now(db: Db, at: datetime, retention: timedelta) -> datetime:
    """Return the time by which old messages may be deleted; see `bound_now`."""
    row = await db.fetchrow(_SQL["fetch_prune_bounds"])
    oldest, now = (None, at) if row is None else (row["oldest"], row["now"])
    return bound_now(at, now, oldest, retention)


@dataclass(frozen=True, slots=True)
class ExpiredConversation:
    """A conversation without a message that is new enough, and its version."""

    id: ConversationId
    version: int


async def fetch_expired(
    db: Db, shard: int, shards: int, before: datetime, after: ConversationId
) -> tuple[ExpiredConversation, ...]:
    """Fetch the shard's next conversations, by id, whose messages are all too old."""
    rows = await db.fetch(_SQL["fetch_expired"], shard, shards, before, after, PAGE)
    return tuple(build_row(ExpiredConversation, row) for row in rows)


async def fetch_page(
    db: Db, shard: int, shards: int, before: datetime, after: ConversationId
) -> tuple[ConversationId, ...]:
    """Fetch the shard's next conversations, by id, that began before then."""
    rows = await db.fetch(_SQL["fetch_page"], shard, shards, before, after, PAGE)
    return tuple(ConversationId(row["id"]) for row in rows)


async def prune_messages(
    db: Connection, conversations: Sequence[ConversationId], before: datetime
) -> int:
    """Remove what is too old of these conversations; return how many messages.

    Of the history its beginning goes, and the conversation notes up to which version.
    The caller owns the transaction.
    """
    for statement in (
        "prune_proofs",
        "prune_outbox",
        "prune_notes",
        "note_pruned",
        "prune_events",
    ):
        await db.execute(_SQL[statement], conversations, before)
    status = await db.execute(_SQL["prune_messages"], conversations, before)
    return int(status.split()[-1])
