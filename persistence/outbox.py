"""The outbox: messages of ours that have not reached their platform."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from persistence.database import Db
from persistence.ids import ChannelId, ConversationId, MessageId, TenantId
from persistence.queries import load_queries

_SQL = load_queries("outbox")


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A message, and the number of its parts with the delivery status of the filter."""

    message_id: MessageId
    conversation_id: ConversationId
    channel_id: ChannelId
    source: str
    type: str
    content: str
    parts: int
    attempts: int
    error: str
    can_retry: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class OutboxFilter:
    """The delivery status of a page, and its channel; None for all channels."""

    delivery: str
    channel_id: ChannelId | None = None


async def fetch_outbox_page(
    db: Db, tenant_id: TenantId, wanted: OutboxFilter, limit: int, offset: int
) -> tuple[int, tuple[OutboxMessage, ...]]:
    """Fetch a page of unsent messages and how many there are in all."""
    arguments = (tenant_id, wanted.delivery, wanted.channel_id)
    rows = await db.fetch(_SQL["fetch_outbox_page"], *arguments, limit, offset)
    total = await db.fetchval(_SQL["count_outbox"], *arguments)
    messages = tuple(
        OutboxMessage(
            **{name: row[name] for name in OutboxMessage.__dataclass_fields__}
        )
        for row in rows
    )
    return cast("int", total), messages


async def fetch_outbox_conversation(
    db: Db, tenant_id: TenantId, message_id: MessageId
) -> ConversationId | None:
    """Fetch the conversation of a sent message; None if it is not this tenant's."""
    row_id = await db.fetchval(_SQL["fetch_outbox_conversation"], tenant_id, message_id)
    return None if row_id is None else ConversationId(row_id)


async def fetch_waiting_conversations(
    db: Db,
    tenant_id: TenantId,
    channel_id: ChannelId,
    *,
    after: ConversationId,
    limit: int,
) -> tuple[ConversationId, ...]:
    """Fetch the next conversations whose messages wait for the channel, by id."""
    rows = await db.fetch(
        _SQL["fetch_waiting_conversations"], tenant_id, channel_id, after, limit
    )
    return tuple(ConversationId(row["conversation_id"]) for row in rows)
