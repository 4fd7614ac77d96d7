"""What a shard reads at its start and per batch, and the one way in which it writes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from persistence.database import Connection, Pool
from persistence.errors import PersistenceError, ShardFencedError
from persistence.ids import (
    ChannelId,
    ConversationId,
    CustomerId,
    EventId,
    MessageId,
    SendId,
    TenantId,
)
from persistence.queries import load_queries

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_SQL = load_queries("journal")


@dataclass(frozen=True, slots=True)
class Epoch:
    """A shard's claim to its place, and the last number that it gave out."""

    shard: int
    epoch: int
    seq: int


@dataclass(frozen=True, slots=True)
class TimerRow:
    """An armed timer."""

    conversation_id: ConversationId
    kind: str
    due_at: datetime
    slot: int = 0


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A customer who wrote for the first time."""

    id: CustomerId
    tenant_id: TenantId
    channel_id: ChannelId
    platform_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A conversation's newest state. `state` is JSON text."""

    id: ConversationId
    tenant_id: TenantId
    channel_id: ChannelId
    customer_id: CustomerId
    source: str
    slot: int
    version: int
    state: str
    status: str
    needs_operator: bool
    last_message_id: MessageId | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class EventRow:
    """One thing that happened. `payload` is JSON text."""

    id: EventId
    conversation_id: ConversationId
    version: int
    seq: int
    at: datetime
    kind: str
    payload: str


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A new message. `metadata` is JSON text."""

    id: MessageId
    tenant_id: TenantId
    conversation_id: ConversationId
    seq: int
    type: str
    message_type: str
    content: str
    processing_status: str
    platform_id: str | None
    delivery: str | None
    metadata: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SendRow:
    """Where a part of a message of ours stands."""

    id: SendId
    conversation_id: ConversationId
    message_id: MessageId
    tenant_id: TenantId
    channel_id: ChannelId
    part: int
    content: str
    delivery: str
    attempts: int
    platform_id: str | None
    error: str
    updated_at: datetime


@dataclass(slots=True)
class Batch:
    """All that one group commit writes; lists are filled event by event.

    The dicts hold the newest value of each key: a statement can touch a row once.
    """

    customers: dict[CustomerId, CustomerRow] = field(default_factory=dict)
    conversations: dict[ConversationId, ConversationRow] = field(default_factory=dict)
    events: list[EventRow] = field(default_factory=list)
    messages: dict[MessageId, MessageRow] = field(default_factory=dict)
    marks: dict[MessageId, tuple[str, str]] = field(default_factory=dict)
    sends: dict[SendId, SendRow] = field(default_factory=dict)
    deliveries: dict[MessageId, tuple[str, str | None]] = field(default_factory=dict)
    timers: dict[tuple[ConversationId, str], TimerRow | None] = field(
        default_factory=dict
    )


async def raise_epoch(db: Pool, shard: int) -> Epoch:
    """Take the shard's place; the one that held it stops at its next write."""
    row = await db.fetchrow(_SQL["raise_epoch"], shard)
    if row is None:
        raise PersistenceError
    return Epoch(shard, row["epoch"], row["seq"])


async def fetch_epoch(db: Pool, shard: int) -> Epoch | None:
    """Fetch who holds the shard, after a lost connection left a commit in doubt."""
    row = await db.fetchrow(_SQL["fetch_epoch"], shard)
    return None if row is None else Epoch(shard, row["epoch"], row["seq"])


async def fence_all(db: Connection) -> None:
    """Take the place of every shard of the runtime before this one."""
    await db.execute(_SQL["fence_all"])


async def fetch_states(
    db: Pool, ids: Sequence[ConversationId]
) -> dict[ConversationId, str]:
    """Fetch states as JSON text; ids without a conversation are left out."""
    rows = await db.fetch(_SQL["fetch_states"], ids)
    return {row["id"]: row["state"] for row in rows}


async def fetch_known_events(db: Pool, ids: Sequence[EventId]) -> dict[EventId, int]:
    """Fetch which events happened already, with their number."""
    rows = await db.fetch(_SQL["fetch_known_events"], ids)
    return {row["id"]: row["seq"] for row in rows}


async def fetch_timers(db: Pool, shard: int, shards: int) -> tuple[TimerRow, ...]:
    """Fetch the timers that this shard owns, the earliest first."""
    rows = await db.fetch(_SQL["fetch_timers"], shard, shards)
    return tuple(
        TimerRow(row["conversation_id"], row["kind"], row["due_at"]) for row in rows
    )


async def commit_batch(db: Pool, epoch: Epoch, batch: Batch, last_seq: int) -> None:
    """Record the batch in one transaction, and tell the listeners.

    Raises:
        ShardFencedError: another has this shard; nothing was written.
        PersistenceError: a conversation's version went backwards.
        asyncpg.PostgresError, OSError: the database refused, or is away.
    """
    async with db.acquire() as connection, connection.transaction():
        await _advance(connection, epoch, last_seq)
        await _record_conversations(connection, batch)
        await _record_messages(connection, epoch.shard, batch)
        await _record_sends(connection, batch)
        await _record_timers(connection, batch)
        if batch.messages or batch.marks or batch.deliveries or batch.conversations:
            span = f"{epoch.shard}:{epoch.seq + 1}:{last_seq}"
            await connection.execute(_SQL["notify_messages"], span)


async def _advance(db: Connection, epoch: Epoch, last_seq: int) -> None:
    held = await db.fetchval(_SQL["advance_seq"], epoch.shard, epoch.epoch, last_seq)
    if held is None:
        raise ShardFencedError


async def _record_conversations(db: Connection, batch: Batch) -> None:
    if batch.customers:
        await db.execute(_SQL["record_customers"], *_columns(batch.customers.values()))
    if batch.conversations:
        rows = batch.conversations.values()
        status = await db.execute(_SQL["record_conversations"], *_columns(rows))
        if status != f"INSERT 0 {len(rows)}":
            message = "A conversation has two writers; this one gives way."
            raise ShardFencedError(message)


async def _record_messages(db: Connection, shard: int, batch: Batch) -> None:
    if batch.events:
        await db.execute(_SQL["record_events"], shard, *_columns(batch.events))
    if batch.messages:
        columns = _columns(batch.messages.values())
        await db.execute(_SQL["record_messages"], shard, *columns)
    if batch.marks:
        statuses = [status for status, _ in batch.marks.values()]
        reasons = [reason for _, reason in batch.marks.values()]
        await db.execute(_SQL["mark_messages"], list(batch.marks), statuses, reasons)


async def _record_sends(db: Connection, batch: Batch) -> None:
    if batch.sends:
        await db.execute(_SQL["record_sends"], *_columns(batch.sends.values()))
    if batch.deliveries:
        states = [delivery for delivery, _ in batch.deliveries.values()]
        mids = [mid for _, mid in batch.deliveries.values()]
        await db.execute(_SQL["mark_deliveries"], list(batch.deliveries), states, mids)


async def _record_timers(db: Connection, batch: Batch) -> None:
    armed = [timer for timer in batch.timers.values() if timer is not None]
    if armed:
        await db.execute(
            _SQL["set_timers"],
            [timer.conversation_id for timer in armed],
            [timer.kind for timer in armed],
            [timer.slot for timer in armed],
            [timer.due_at for timer in armed],
        )
    cleared = [key for key, timer in batch.timers.items() if timer is None]
    if cleared:
        ids: list[UUID] = [conversation for conversation, _ in cleared]
        await db.execute(_SQL["clear_timers"], ids, [kind for _, kind in cleared])


def _columns(rows: "Collection[DataclassInstance]") -> list[list[object]]:
    """Turn rows into one list per column, in the order of the row's fields."""
    names = [field.name for field in fields(next(iter(rows)))]
    return [[getattr(row, name) for row in rows] for name in names]
