"""`/console/live`: the changes of an inbox as Turbo Streams, with a cursor.

Pages, forms and this socket render the same templates; the server decides which list a
row belongs to.
"""

from dataclasses import dataclass
from uuid import UUID

import orjson
from fastapi import APIRouter, WebSocket

from deployments.console import rendering
from deployments.console.errors import ForgedFormError
from deployments.console.inbox import reading
from deployments.console.inbox.pages import render_counts
from deployments.console.session import Visit, check_origin, require_visit
from deployments.http import websocket
from deployments.web import inbox_feed
from deployments.web.api import auth
from deployments.web.api.conversations import render_conversation
from deployments.web.api.errors import NotFoundError, NotSignedInError
from deployments.web.api.live import serve_feed
from deployments.web.dependencies import Context
from persistence import inbox_views
from persistence.feed import FeedCursor
from persistence.ids import ConversationId
from persistence.inbox_views import View

router = APIRouter()


@dataclass(slots=True)
class StreamFrames:
    """Writes the changes of a view and of an open conversation."""

    socket: WebSocket
    visit: Visit
    view: View
    #: The conversation whose thread is shown.
    shown: ConversationId | None

    def welcome(self, cursor: FeedCursor) -> str:
        """Write the first frame: the page is up to date from its cursor on."""
        return _frame(cursor, "")

    async def render(self, changes: inbox_feed.Changes) -> str:
        """Write changes: rows, counts, and what is new in the thread."""
        visit, changed = self.visit, [row.id for row in changes.conversations]
        now = visit.context.clock.now()
        locale = rendering.choose_locale(self.socket, now)
        rows = await reading.read_changed_rows(visit, self.view, changed)
        held = {row.conversation.id for row in rows}
        thread = None
        if self.shown in changed and self.shown is not None:
            thread = await self._read_thread(self.shown, changes)
        values = {
            "visit": visit,
            "view": self.view,
            "rows": rows,
            "gone": [key for key in changed if key not in held],
            "counts": render_counts(locale, await reading.count_views(visit)),
            "thread": thread,
        }
        html = rendering.render("changes.html", locale, values)
        return _frame(changes.cursor, html)

    async def _read_thread(
        self, shown: ConversationId, changes: inbox_feed.Changes
    ) -> reading.Thread | None:
        """Read what changed in the thread, and all notes behind its first change."""
        try:
            row = await reading.read_conversation(self.visit, shown)
        except NotFoundError:
            return None
        messages = [one for one in changes.messages if one.conversation_id == shown]
        start = min((one.position for one in messages), default=row.newest_position)
        notes = await inbox_views.fetch_thread_notes(
            self.visit.context.pool, self.visit.principal.tenant_id, shown, start
        )
        items = reading.merge(messages, notes)
        return reading.Thread(render_conversation(row), items, None)


@router.websocket("/console/live")
async def follow(
    socket: WebSocket, context: Context, view: View, shown: UUID | None = None
) -> None:
    """Push the changes of a view and of a conversation, from `since` on.

    The session's cookie says who asks, and the origin must be ours. Close codes are
    those of `/ws/conversations/`.
    """
    await socket.accept()
    try:
        check_origin(socket.headers, context)
        visit = await require_visit(socket, context)
    except ForgedFormError:
        await websocket.close_socket(socket, websocket.NOT_ALLOWED)
        return
    except NotSignedInError:
        await websocket.close_socket(socket, websocket.SIGNED_OUT)
        return

    async def identify() -> auth.Principal:
        return (await require_visit(socket, context)).principal

    conversation_id = None if shown is None else ConversationId(shown)
    frames = StreamFrames(socket, visit, view, conversation_id)
    await serve_feed(socket, context, identify, frames)


def _frame(cursor: FeedCursor, html: str) -> str:
    return orjson.dumps({"cursor": cursor.render(), "html": html}).decode()
