"""The outbox: messages of ours that have not reached their platform."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from persistence.database import Db
from persistence.ids import ChannelId, ConversationId, MessageId, TenantId
from persistence.paging import Found, Window, fetch_window
from persistence.queries import build_row, load_queries

_SQL = load_queries("outbox")


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A message, and the number of its parts with the delivery status of the filter.

    `content` is its beginning.
    """

    message_id: MessageId
    conversation_id: ConversationId
    channel_id: ChannelId
    source: str
    type: str
    content: str
    delivery: str
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
    db: Db, tenant_id: TenantId, wanted: OutboxFilter, window: Window
) -> Found[OutboxMessage]:
    """Fetch a page of unsent messages, the newest change first."""
    return await fetch_window(
        db,
        (_SQL["fetch_outbox_page"], _SQL["count_outbox"]),
        (tenant_id, wanted.delivery, wanted.channel_id),
        window,
        ("updated_at", "message_id"),
        partial(build_row, OutboxMessage),
    )


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
