"""Messages as they are read: by operators, by visitors, by the answering side."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import asyncpg

from persistence.database import Db
from persistence.ids import ConversationId, MessageId, TenantId
from persistence.queries import load_queries

_SQL = load_queries("messages")


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message; `seq` grows within its conversation."""

    id: MessageId
    tenant_id: TenantId
    conversation_id: ConversationId
    seq: int
    type: str
    message_type: str
    content: str
    combined_content: str | None
    processing_status: str
    platform_id: str | None
    delivery: str | None
    metadata: dict[str, object]
    feedback: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Turn:
    """One line of a conversation."""

    type: str
    content: str


@dataclass(frozen=True, slots=True)
class Question:
    """One of the customer's messages, without what it was combined with."""

    message_type: str
    content: str


async def fetch_messages_page(
    db: Db,
    tenant_id: TenantId,
    conversation_id: ConversationId,
    limit: int,
    offset: int,
) -> tuple[int, tuple[StoredMessage, ...]]:
    """Fetch a page, oldest first, and how many there are in all."""
    rows = await db.fetch(
        _SQL["fetch_messages_page"], tenant_id, conversation_id, limit, offset
    )
    if rows:
        return rows[0]["total"], tuple(_message(row) for row in rows)
    total = await db.fetchval(_SQL["count_messages"], tenant_id, conversation_id)
    return cast("int", total), ()


async def fetch_message(
    db: Db, tenant_id: TenantId, message_id: MessageId
) -> StoredMessage | None:
    """Fetch one message; None if it is not this tenant's."""
    row = await db.fetchrow(_SQL["fetch_message"], tenant_id, message_id)
    return None if row is None else _message(row)


async def fetch_messages_after(
    db: Db, conversation_id: ConversationId, seq: int, limit: int
) -> tuple[StoredMessage, ...]:
    """Fetch what came after the cursor, oldest first."""
    rows = await db.fetch(_SQL["fetch_messages_after"], conversation_id, seq, limit)
    return tuple(_message(row) for row in rows)


async def fetch_latest_messages(
    db: Db, conversation_id: ConversationId, limit: int
) -> tuple[StoredMessage, ...]:
    """Fetch the end of a conversation, oldest first."""
    rows = await db.fetch(_SQL["fetch_latest_messages"], conversation_id, limit)
    return tuple(_message(row) for row in rows)


async def fetch_questions(
    db: Db,
    tenant_id: TenantId,
    conversation_id: ConversationId,
    ids: Sequence[MessageId],
) -> tuple[Question, ...]:
    """Fetch what one answer is asked for, in the customer's own words, oldest first."""
    rows = await db.fetch(_SQL["fetch_questions"], tenant_id, conversation_id, ids)
    return tuple(Question(row["message_type"], row["content"]) for row in rows)


async def fetch_recent_turns(
    db: Db,
    tenant_id: TenantId,
    conversation_id: ConversationId,
    without: Sequence[MessageId],
    limit: int,
) -> tuple[Turn, ...]:
    """Fetch what was said besides the questions, oldest first."""
    rows = await db.fetch(
        _SQL["fetch_recent_turns"], tenant_id, conversation_id, without, limit
    )
    return tuple(Turn(row["type"], row["content"]) for row in reversed(rows))


def _message(row: asyncpg.Record) -> StoredMessage:
    return StoredMessage(
        **{name: row[name] for name in StoredMessage.__dataclass_fields__}
    )
