"""Reads the inbox: conversations as operators see them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

import asyncpg

from persistence import ids
from persistence.database import Db
from persistence.paging import Found, Window, fetch_window
from persistence.queries import load_queries
from persistence.search import build_search_pattern

_SQL = load_queries("conversations")


@dataclass(frozen=True, slots=True)
class CustomerSummary:
    """The customer of a conversation."""

    id: ids.CustomerId
    platform_id: str
    first_name: str
    last_name: str
    username: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LastMessage:
    """The last message of a conversation; of its content the beginning."""

    id: ids.MessageId
    type: str
    content: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PendingShareSummary:
    """A shared post that waits for its question."""

    message_id: ids.MessageId
    due_at: datetime


@dataclass(frozen=True, slots=True)
class AssigneeSummary:
    """The person who looks after a conversation."""

    id: ids.UserId
    username: str


@dataclass(frozen=True, slots=True)
class ConversationSummary:
    """A conversation as the API shows it."""

    id: ids.ConversationId
    status: str
    ai_enabled: bool
    department: str | None
    source: str
    channel_id: ids.ChannelId
    customer: CustomerSummary
    pending_share: PendingShareSummary | None
    last_customer_at: datetime | None
    needs_operator: bool
    last_message: LastMessage | None
    updated_at: datetime
    #: Its runs of workflows, as JSON text.
    runs: str = "[]"
    #: Since when the customer waits, for an answer or for a person; None if not.
    waiting_since: datetime | None = None
    #: The highest position of a message.
    newest_position: int = 0
    #: Whether the reader has not seen all that others wrote; None without a reader.
    is_unread: bool | None = None
    #: None as well if the person is gone.
    assignee: AssigneeSummary | None = None
    snoozed_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """The tenant of a reader, and the person; without one nothing is read or unread."""

    tenant_id: ids.TenantId
    user_id: ids.UserId | None = None


@dataclass(frozen=True, slots=True)
class ConversationFilter:
    """The filter of a page; None leaves a condition out."""

    status: str | None = None
    source: str | None = None
    words: str | None = None
    department: str | None = None
    channel_id: ids.ChannelId | None = None
    needs_operator: bool | None = None
    is_waiting: bool | None = None
    is_unread: bool | None = None
    #: Whether the reader looks after it.
    is_mine: bool | None = None
    is_snoozed: bool | None = None


async def fetch_conversations_page(
    db: Db, reader: Reader, wanted: ConversationFilter, window: Window
) -> Found[ConversationSummary]:
    """Fetch a page of the inbox, the newest change first.

    Counted is what an index finds: the whole inbox by status and source, and those who
    wait. A search is not.
    """
    pattern = build_search_pattern(wanted.words or "")
    if pattern is None and (wanted.needs_operator or wanted.is_waiting):
        if wanted.is_waiting is False:
            # Whoever needs an operator waits.
            return Found((), 0, is_exact=True, last=None)
        return await fetch_window(
            db,
            (_SQL["fetch_waiting_page"], _SQL["count_waiting"]),
            _common_filters(reader, wanted),
            window,
            ("updated_at", "id"),
            build_summary,
        )
    filters = (*_common_filters(reader, wanted), wanted.is_waiting)
    if pattern is None and wanted.is_mine:
        return await fetch_window(
            db,
            (_SQL["fetch_assigned_page"], None),
            filters,
            window,
            ("updated_at", "id"),
            build_summary,
        )
    filters = (*filters, pattern)
    is_counted = all(part is None for part in filters[4:])
    return await fetch_window(
        db,
        (
            _SQL["fetch_conversations_page"],
            _SQL["count_conversations"] if is_counted else None,
        ),
        filters,
        window,
        ("updated_at", "id"),
        build_summary,
        count_filters=(reader.tenant_id, wanted.status, wanted.source),
    )


async def fetch_longest_waiting_page(
    db: Db, reader: Reader, wanted: ConversationFilter, window: Window
) -> Found[ConversationSummary]:
    """Fetch a page of the customers who wait, the longest wait first."""
    return await fetch_window(
        db,
        (_SQL["fetch_longest_waiting_page"], _SQL["count_waiting"]),
        _common_filters(reader, wanted),
        window,
        ("waiting_since", "id"),
        build_summary,
    )


def _common_filters(reader: Reader, wanted: ConversationFilter) -> tuple[object, ...]:
    return (
        reader.tenant_id,
        reader.user_id,
        wanted.status,
        wanted.source,
        wanted.department,
        wanted.channel_id,
        wanted.needs_operator,
        wanted.is_unread,
        wanted.is_mine,
        wanted.is_snoozed,
    )


async def fetch_conversations(
    db: Db, reader: Reader, wanted: Collection[ids.ConversationId]
) -> tuple[ConversationSummary, ...]:
    """Fetch those of these conversations that are of the reader's tenant."""
    rows = await db.fetch(
        _SQL["fetch_conversations"], reader.tenant_id, reader.user_id, list(wanted)
    )
    return tuple(build_summary(row) for row in rows)


async def fetch_conversation(
    db: Db, reader: Reader, conversation_id: ids.ConversationId
) -> ConversationSummary | None:
    """Fetch one conversation; None if it is not of the reader's tenant."""
    rows = await fetch_conversations(db, reader, [conversation_id])
    return rows[0] if rows else None


async def fetch_conversation_channel(
    db: Db, tenant_id: ids.TenantId, conversation_id: ids.ConversationId
) -> ids.ChannelId | None:
    """Fetch the channel of a conversation; None if it is not this tenant's."""
    return cast(
        "ids.ChannelId | None",
        await db.fetchval(
            _SQL["fetch_conversation_channel"], tenant_id, conversation_id
        ),
    )


def build_summary(row: asyncpg.Record) -> ConversationSummary:
    """Build a summary from a row of `inbox_rows`."""
    seen, share = row["last_customer_at"], row["share_id"]
    return ConversationSummary(
        id=row["id"],
        status=row["status"],
        ai_enabled=row["ai_enabled"],
        department=row["department"],
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
        pending_share=None
        if share is None
        else PendingShareSummary(
            ids.MessageId(UUID(share)),
            datetime.fromisoformat(row["share_due_at"]),
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
        runs=row["runs"] or "[]",
        waiting_since=row["waiting_since"],
        newest_position=row["newest_position"],
        is_unread=row["is_unread"],
        assignee=None
        if row["assignee_name"] is None
        else AssigneeSummary(row["assignee_id"], row["assignee_name"]),
        snoozed_until=row["snoozed_until"],
    )
