"""Reads the views of the inbox, and threads, as the console shows them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from persistence.conversations import ConversationSummary, Reader, build_summary
from persistence.database import Db
from persistence.ids import ConversationId, TenantId
from persistence.messages import StoredMessage
from persistence.notes import Note
from persistence.queries import build_row, load_queries

_SQL = load_queries("inbox_views")
#: Of larger numbers a person only sees that there are more.
MAX_COUNTED = 100


class View(StrEnum):
    """A view of the inbox: each conversation that is not closed is in one or two."""

    NEEDS_PERSON = "needs_person"
    MINE = "mine"
    LED_BY_AI = "led_by_ai"
    AWAITING_CUSTOMER = "awaiting_customer"
    CLOSED = "closed"


_PAGES = {
    View.NEEDS_PERSON: _SQL["fetch_needs_person"],
    View.MINE: _SQL["fetch_mine"],
    View.LED_BY_AI: _SQL["fetch_led_by_ai"],
    View.AWAITING_CUSTOMER: _SQL["fetch_awaiting_customer"],
    View.CLOSED: _SQL["fetch_closed"],
}


@dataclass(frozen=True, slots=True)
class ViewKey:
    """The last row of a page; the next page begins behind it."""

    at: datetime
    id: ConversationId


async def fetch_view(
    db: Db,
    reader: Reader,
    view: View,
    limit: int,
    *,
    after: ViewKey | None = None,
    among: Collection[ConversationId] | None = None,
) -> tuple[ConversationSummary, ...]:
    """Fetch a page of a view in its order; with `among` only those of these."""
    rows = await db.fetch(
        _PAGES[view],
        reader.tenant_id,
        reader.user_id,
        limit,
        None if among is None else list(among),
        after and after.at,
        after and after.id,
    )
    return tuple(map(build_summary, rows))


def key_of(view: View, row: ConversationSummary) -> ViewKey:
    """Return the key of a row in a view."""
    if view is View.NEEDS_PERSON and row.waiting_since is not None:
        return ViewKey(row.waiting_since, row.id)
    return ViewKey(row.updated_at, row.id)


async def count_views(db: Db, reader: Reader) -> dict[View, int]:
    """Count what each view holds, up to `MAX_COUNTED`."""
    row = await db.fetchrow(
        _SQL["count_views"], reader.tenant_id, reader.user_id, MAX_COUNTED
    )
    return {view: 0 if row is None else row[view.value] for view in View}


async def fetch_thread(
    db: Db,
    tenant_id: TenantId,
    conversation_id: ConversationId,
    limit: int,
    before: int | None = None,
) -> tuple[StoredMessage, ...]:
    """Fetch the newest messages, or the newest before a position; oldest first."""
    rows = await db.fetch(
        _SQL["fetch_thread"], tenant_id, conversation_id, before, limit
    )
    return tuple(build_row(StoredMessage, row) for row in rows)


async def fetch_thread_notes(
    db: Db,
    tenant_id: TenantId,
    conversation_id: ConversationId,
    start: int,
    before: int | None = None,
) -> tuple[Note, ...]:
    """Fetch the notes from one position on, and before another; oldest first."""
    rows = await db.fetch(
        _SQL["fetch_thread_notes"], tenant_id, conversation_id, start, before
    )
    return tuple(build_row(Note, row) for row in rows)
