"""Change feed of a tenant: changes in an order that a cursor can resume."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Self

from persistence.database import Db
from persistence.ids import ConversationId, MessageId, TenantId
from persistence.queries import load_queries

_SQL = load_queries("feed")
_CURSOR = re.compile(r"\d{1,5}-\d{1,19}(\.\d{1,5}-\d{1,19})*", re.ASCII)
#: The largest that the database's columns hold.
_MAX_SHARD = 2**15 - 1
_MAX_SEQ = 2**63 - 1
_NOT_OURS = "this cursor was not given by the feed"


@dataclass(frozen=True, slots=True)
class FeedCursor:
    """A reader's position: the last number of each shard, in order of shards."""

    positions: tuple[tuple[int, int], ...] = ()

    def advance(self, shard: int, seq: int) -> Self:
        """Return the cursor after one more change."""
        moved = dict(self.positions) | {shard: seq}
        return type(self)(tuple(sorted(moved.items())))

    def is_within(self, end: "FeedCursor") -> bool:
        """Whether the feed has reached the cursor; a restored backup may not have."""
        last = dict(end.positions)
        return all(seq <= last.get(shard, -1) for shard, seq in self.positions)

    def render(self) -> str:
        """Write the cursor as a text that clients must not interpret."""
        return ".".join(f"{shard}-{seq}" for shard, seq in self.positions)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a cursor that `render` wrote. Raises ValueError for anything else."""
        if _CURSOR.fullmatch(text) is None:
            raise ValueError(_NOT_OURS)
        numbers = [int(number) for number in re.split("[.-]", text)]
        cursor = cls(tuple(zip(numbers[::2], numbers[1::2], strict=True)))
        shards = numbers[::2]
        if shards != sorted(set(shards)) or shards[-1] > _MAX_SHARD:
            raise ValueError(_NOT_OURS)
        if max(numbers[1::2]) > _MAX_SEQ:
            raise ValueError(_NOT_OURS)
        return cursor


@dataclass(frozen=True, slots=True)
class Change:
    """One change: the messages that an event touched, and its position."""

    shard: int
    seq: int
    conversation_id: ConversationId
    message_ids: tuple[MessageId, ...]


async def fetch_feed_end(db: Db) -> FeedCursor:
    """Fetch the cursor behind the last change of all shards."""
    rows = await db.fetch(_SQL["fetch_feed_end"])
    return FeedCursor(tuple((row["shard"], row["seq"]) for row in rows))


async def fetch_feed_page(
    db: Db, tenant_id: TenantId, cursor: FeedCursor, limit: int
) -> tuple[Change, ...]:
    """Fetch the tenant's next changes, at most `limit`."""
    shards = [shard for shard, _ in cursor.positions]
    seqs = [seq for _, seq in cursor.positions]
    rows = await db.fetch(_SQL["fetch_feed_page"], tenant_id, shards, seqs, limit)
    return tuple(
        Change(
            shard=row["shard"],
            seq=row["seq"],
            conversation_id=row["conversation_id"],
            message_ids=tuple(row["message_ids"]),
        )
        for row in rows
    )


async def fetch_tenants_with_news(
    db: Db, tenants: Collection[TenantId], first_seqs: Mapping[int, int]
) -> frozenset[TenantId]:
    """Fetch which tenants have changes from `first_seqs[shard]` on."""
    rows = await db.fetch(
        _SQL["fetch_tenants_with_news"],
        list(tenants),
        list(first_seqs),
        list(first_seqs.values()),
    )
    return frozenset(TenantId(row["id"]) for row in rows)
