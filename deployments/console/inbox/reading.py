"""Reads what a page of the inbox shows, in few queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from deployments.console.session import Visit
from deployments.web.api import errors
from deployments.web.api.conversations import render_conversation
from deployments.web.api.schemas import ConversationOut
from persistence import inbox_views, read_marks
from persistence.conversations import ConversationSummary, Reader, fetch_conversations
from persistence.feed import fetch_feed_end
from persistence.ids import ConversationId
from persistence.inbox_views import View, ViewKey
from persistence.messages import StoredMessage
from persistence.notes import Note

#: Rows of a view, and messages of a thread, that are fetched at once.
PAGE = 50

#: A message, or a note among them.
Item: TypeAlias = StoredMessage | Note


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation in a view; rows stand in ascending order."""

    conversation: ConversationOut
    order: float


@dataclass(frozen=True, slots=True)
class ViewPage:
    """A page of a view; `following` is the key of the next, empty for none."""

    view: View
    rows: tuple[Row, ...]
    following: str


@dataclass(frozen=True, slots=True)
class Thread:
    """The end of a conversation, or what came before a position."""

    conversation: ConversationOut
    items: tuple[Item, ...]
    #: The position before which there is more; None at the beginning.
    earlier: int | None


def reader_of(visit: Visit) -> Reader:
    """Return the person as the reader of lists."""
    return Reader(visit.principal.tenant_id, visit.principal.user_id)


async def read_cursor(visit: Visit) -> str:
    """Read the position of the feed; what is read afterwards misses no change."""
    return (await fetch_feed_end(visit.context.pool)).render()


async def read_view(visit: Visit, view: View, after: str = "") -> ViewPage:
    """Read a page of a view. Raises NotFoundError for a key that is none."""
    rows = await inbox_views.fetch_view(
        visit.context.pool, reader_of(visit), view, PAGE + 1, after=_parse_key(after)
    )
    shown, following = rows[:PAGE], ""
    if len(rows) > PAGE:
        key = inbox_views.key_of(view, shown[-1])
        following = f"{key.at.isoformat()}~{key.id}"
    return ViewPage(view, build_rows(view, shown), following)


async def read_changed_rows(
    visit: Visit, view: View, changed: Sequence[ConversationId]
) -> tuple[Row, ...]:
    """Read those of the changed conversations that the view holds now."""
    rows = await inbox_views.fetch_view(
        visit.context.pool, reader_of(visit), view, len(changed), among=changed
    )
    return build_rows(view, rows)


async def count_views(visit: Visit) -> dict[View, int]:
    """Count what each view holds, up to `MAX_COUNTED`."""
    return await inbox_views.count_views(visit.context.pool, reader_of(visit))


async def read_conversation(visit: Visit, conversation_id: UUID) -> ConversationSummary:
    """Read a conversation. Raises NotFoundError."""
    found = await fetch_conversations(
        visit.context.pool, reader_of(visit), {ConversationId(conversation_id)}
    )
    return errors.require(found[0] if found else None)


async def read_thread(
    visit: Visit, conversation_id: UUID, before: int | None = None
) -> Thread:
    """Read the newest messages with the notes among them. Raises NotFoundError."""
    row = await read_conversation(visit, conversation_id)
    pool, tenant_id = visit.context.pool, visit.principal.tenant_id
    messages = await inbox_views.fetch_thread(pool, tenant_id, row.id, PAGE + 1, before)
    has_earlier = len(messages) > PAGE
    messages = messages[-PAGE:]
    start = messages[0].position if has_earlier else 0
    notes = await inbox_views.fetch_thread_notes(pool, tenant_id, row.id, start, before)
    return Thread(
        render_conversation(row),
        merge(messages, notes),
        start if has_earlier else None,
    )


def merge(messages: Sequence[StoredMessage], notes: Sequence[Note]) -> tuple[Item, ...]:
    """Put messages and notes into one order."""
    items: list[Item] = [*messages, *notes]
    return tuple(sorted(items, key=order_of))


def order_of(item: Item) -> tuple[int, int]:
    """Return the place of an item in its thread.

    A note stands before the message that got the note's position afterwards.
    """
    return (item.position, item.seq if isinstance(item, StoredMessage) else 0)


async def mark_read(visit: Visit, thread: Thread) -> None:
    """Note that the person has read all that the thread shows."""
    await read_marks.mark_read(
        visit.context.pool,
        visit.principal.tenant_id,
        visit.principal.user_id,
        ConversationId(thread.conversation.id),
        thread.conversation.newest_position,
    )


def build_rows(view: View, rows: Sequence[ConversationSummary]) -> tuple[Row, ...]:
    """Give each row its place: who waits longest first, or the newest change."""
    sign = 1 if view is View.NEEDS_PERSON else -1
    return tuple(
        Row(
            render_conversation(row),
            sign * inbox_views.key_of(view, row).at.timestamp(),
        )
        for row in rows
    )


def _parse_key(text: str) -> ViewKey | None:
    if not text:
        return None
    at, _, key = text.partition("~")
    try:
        return ViewKey(datetime.fromisoformat(at), ConversationId(UUID(key)))
    except ValueError as error:
        raise errors.NotFoundError from error
