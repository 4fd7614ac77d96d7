"""What an operator sees of conversations."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

import asyncpg

from persistence.database import Db
from persistence.ids import (
    ChannelId,
    ConversationId,
    CustomerId,
    MessageId,
    TenantId,
)
from persistence.queries import load_queries

_SQL = load_queries("conversations")


@dataclass(frozen=True, slots=True)
class CustomerSummary:
    """Who writes."""

    id: CustomerId
    platform_id: str
    first_name: str
    last_name: str
    username: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LastMessage:
    """What was said last."""

    id: MessageId
    type: str
    content: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ConversationSummary:
    """A conversation as the API shows it."""

    id: ConversationId
    status: str
    ai_enabled: bool
    department: str | None
    source: str
    channel_id: ChannelId
    customer: CustomerSummary
    last_customer_at: datetime | None
    needs_operator: bool
    last_message: LastMessage | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ConversationFilter:
    """Which conversations a page lists; None leaves a filter out."""

    status: str | None = None
    source: str | None = None
    words: str | None = None


async def fetch_conversations_page(
    db: Db, tenant_id: TenantId, wanted: ConversationFilter, limit: int, offset: int
) -> tuple[int, tuple[ConversationSummary, ...]]:
    """Fetch a page of the inbox and how many there are in all."""
    arguments = (tenant_id, wanted.status, wanted.source, wanted.words)
    rows = await db.fetch(_SQL["fetch_conversations_page"], *arguments, limit, offset)
    if rows:
        return rows[0]["total"], tuple(_summary(row) for row in rows)
    total = await db.fetchval(_SQL["count_conversations"], *arguments)
    return cast("int", total), ()


async def fetch_conversation(
    db: Db, tenant_id: TenantId, conversation_id: ConversationId
) -> ConversationSummary | None:
    """Fetch one conversation; None if it is not this tenant's."""
    row = await db.fetchrow(_SQL["fetch_conversation"], tenant_id, conversation_id)
    return None if row is None else _summary(row)


def _summary(row: asyncpg.Record) -> ConversationSummary:
    state = row["state"]
    seen = state["last_customer_at"]
    return ConversationSummary(
        id=row["id"],
        status=row["status"],
        ai_enabled=state["ai_enabled"],
        department=state["department"],
        source=row["source"],
        channel_id=row["channel_id"],
        customer=CustomerSummary(
            id=row["customer_id"],
            platform_id=row["platform_id"],
            first_name=row["first_name"],
            last_name=row["last_name"],
            username=row["username"],
            tags=tuple(row["tags"]),
        ),
        last_customer_at=None if seen is None else datetime.fromisoformat(seen),
        needs_operator=row["needs_operator"],
        last_message=None
        if row["last_message_id"] is None
        else LastMessage(
            row["last_message_id"],
            row["last_type"],
            row["last_content"],
            row["last_at"],
        ),
        updated_at=row["updated_at"],
    )
