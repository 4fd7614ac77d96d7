"""Reads the history of a conversation: its events."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from persistence.database import Db
from persistence.ids import ConversationId, EventId, TenantId
from persistence.paging import Found, Window, fetch_window
from persistence.queries import build_row, load_queries

_SQL = load_queries("history")


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    """An event as operators see it; `version` counts the conversation's events."""

    id: EventId
    version: int
    kind: str
    at: datetime
    payload: dict[str, object]


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it is stored; `payload` is JSON text."""

    version: int
    kind: str
    payload: str


@dataclass(frozen=True, slots=True)
class StoredHistory:
    """The stored state of a conversation as JSON text, and all its events."""

    state: str
    events: tuple[StoredEvent, ...]
    #: The events up to this version were removed by the retention of messages.
    pruned_version: int = 0


@dataclass(frozen=True, slots=True)
class FirstEvents:
    """The first events of a conversation, the oldest first."""

    events: tuple[StoredEvent, ...]
    #: See StoredHistory.
    pruned_version: int


async def fetch_events_page(
    db: Db, tenant_id: TenantId, conversation_id: ConversationId, window: Window
) -> Found[HistoryEvent]:
    """Fetch a page, oldest first."""
    return await fetch_window(
        db,
        (_SQL["fetch_events_page"], _SQL["count_events"]),
        (tenant_id, conversation_id),
        window,
        ("version",),
        partial(build_row, HistoryEvent),
    )


async def fetch_event(
    db: Db, tenant_id: TenantId, conversation_id: ConversationId, version: int
) -> HistoryEvent | None:
    """Fetch one event as operators see it; None if there is none of this version."""
    # The page behind the one before: what is left out is decided in one statement.
    page = (tenant_id, conversation_id, 1, 0, version - 1)
    row = await db.fetchrow(_SQL["fetch_events_page"], *page)
    event = None if row is None else build_row(HistoryEvent, row)
    return event if event is not None and event.version == version else None


async def fetch_first_events(
    db: Db,
    tenant_id: TenantId,
    conversation_id: ConversationId,
    version: int,
    limit: int,
) -> FirstEvents | None:
    """Fetch at most `limit` events up to a version; None if not this tenant's."""
    rows = await db.fetch(
        _SQL["fetch_first_events"], tenant_id, conversation_id, version, limit
    )
    if not rows:
        return None
    return FirstEvents(
        events=tuple(
            build_row(StoredEvent, row) for row in rows if row["version"] is not None
        ),
        pruned_version=rows[0]["pruned_version"],
    )


async def fetch_history(
    db: Db, conversation_id: ConversationId
) -> StoredHistory | None:
    """Fetch a conversation of any tenant for a replay; None if there is none."""
    rows = await db.fetch(_SQL["fetch_history"], conversation_id)
    if not rows:
        return None
    return StoredHistory(
        state=rows[0]["state"],
        events=tuple(
            build_row(StoredEvent, row) for row in rows if row["version"] is not None
        ),
        pruned_version=rows[0]["pruned_version"],
    )
