"""Stores and reads what operators note among themselves; no customer ever sees it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import orjson

from persistence.database import Connection, Db
from persistence.ids import ConversationId, EventId, TenantId, UserId
from persistence.paging import Found, Window, fetch_window
from persistence.queries import build_row, load_queries

_SQL = load_queries("notes")


@dataclass
class NoteRow:
    """A note, as it is written."""

    id: EventId
    tenant_id: TenantId
    conversation_id: ConversationId
    position: int
    user_id: UserId
    content: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Note:
    """A note, as it is read; without a username its author is gone."""

    id: EventId
    #: Its place among the positions of the conversation's messages.
    position: int
    user_id: UserId
    username: str | None
    content: str
    created_at: datetime


async def record_notes(db: Connection, rows: Sequence[NoteRow]) -> None:
    """Store notes, inside the transaction of their events."""
    if rows:
        text = orjson.dumps(list(rows)).decode()
        await db.execute(_SQL["insert_notes"], text)


async def fetch_notes_page(
    db: Db, tenant_id: TenantId, conversation_id: ConversationId, window: Window
) -> Found[Note]:
    """Fetch a page, oldest first."""
    return await fetch_window(
        db,
        (_SQL["fetch_notes_page"], _SQL["count_notes"]),
        (tenant_id, conversation_id),
        window,
        ("position",),
        partial(build_row, Note),
    )


async def fetch_note(db: Db, tenant_id: TenantId, note_id: EventId) -> Note | None:
    """Fetch one note; None if it is not this tenant's."""
    row = await db.fetchrow(_SQL["fetch_note"], tenant_id, note_id)
    return None if row is None else build_row(Note, row)
