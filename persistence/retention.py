"""Removes messages, events, parts and proofs that are older than the retention."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from persistence.database import Connection, Db
from persistence.ids import ConversationId
from persistence.queries import build_row, load_queries

_SQL = load_queries("retention")
#: Conversations of one step: a step holds its locks for milliseconds.
PAGE = 100


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
    for statement in ("prune_proofs", "prune_outbox", "note_pruned", "prune_events"):
        await db.execute(_SQL[statement], conversations, before)
    status = await db.execute(_SQL["prune_messages"], conversations, before)
    return int(status.split()[-1])
