"""`/ws/conversations/`: live feed of a tenant's inbox."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias
from uuid import UUID

from fastapi import APIRouter, WebSocket

from deployments.http import websocket
from deployments.http.errors import TooManyRequestsError
from deployments.http.websocket import Ending
from deployments.web import inbox_feed
from deployments.web.api import auth, errors, schemas
from deployments.web.api.conversations import render_conversation
from deployments.web.api.people.access import LIVE, check_access
from deployments.web.dependencies import Context, WebDependencies
from persistence.errors import DATABASE_AWAY
from persistence.feed import FeedCursor, fetch_feed_end
from persistence.ids import TenantId

router = APIRouter()
#: Tells who is at the other end; raises NotSignedInError when that has ended.
Identify: TypeAlias = Callable[[], Awaitable[auth.Principal]]
#: The client offers it, and its access token as the next one.
SUBPROTOCOL = "pilito.token"


class LiveMessage(schemas.MessageOut):
    """A message, with its conversation."""

    conversation_id: UUID


class WelcomeFrame(schemas.Answer):
    """The first frame: a list that is fetched after it misses no change."""

    type: Literal["welcome"] = "welcome"
    cursor: str


class ChangesFrame(schemas.Answer):
    """Changes: each message and conversation once, as it is now.

    `cursor` is the position after all of them. `messages` are new; `changed_messages`
    were delivered, answered, rated, edited or taken back since they were sent.
    """

    type: Literal["changes"] = "changes"
    cursor: str
    messages: list[LiveMessage]
    changed_messages: list[LiveMessage]
    conversations: list[schemas.ConversationOut]


class Frames(Protocol):
    """Writes the frames of a socket."""

    def welcome(self, cursor: FeedCursor) -> str:
        """Write the first frame."""

    async def render(self, changes: inbox_feed.Changes) -> str:
        """Write changes."""


class JsonFrames:
    """The frames of the API."""

    def welcome(self, cursor: FeedCursor) -> str:
        """Write the first frame."""
        return WelcomeFrame(cursor=cursor.render()).model_dump_json()

    async def render(self, changes: inbox_feed.Changes) -> str:
        """Write changes."""
        return render_changes(changes)


@dataclass(slots=True)
class Window:
    """A socket, with the position of its feed."""

    socket: WebSocket
    feed: inbox_feed.InboxFeed
    follower: inbox_feed.Follower
    tenant_id: TenantId
    cursor: FeedCursor
    frames: "Frames"
    #: Whether there may be changes without a signal to come.
    is_behind: bool = True

    async def send_changes(self) -> Ending:
        """Send changes until the other end takes no more."""
        text = self.frames.welcome(self.cursor)
        while await websocket.send_text(
            self.socket, text, self.feed.limits.send_timeout
        ):
            silence = asyncio.timeout(self.feed.limits.heartbeat.total_seconds())
            try:
                async with silence:
                    changes = await self._wait_for_changes()
            except DATABASE_AWAY:
                if not silence.expired():
                    return websocket.TRY_AGAIN
                text = websocket.PING
            else:
                self.cursor, self.is_behind = changes.cursor, changes.is_full
                try:
                    text = await self.frames.render(changes)
                except DATABASE_AWAY:
                    return websocket.TRY_AGAIN
        return websocket.TOO_SLOW

    async def _wait_for_changes(self) -> inbox_feed.Changes:
        while True:
            if not self.is_behind:
                await self.follower.news.wait()
            # Changes that are signalled from here on may be missing in the reading.
            self.follower.news.clear()
            self.is_behind = True
            changes = await self.feed.read(self.tenant_id, self.cursor)
            if changes is not None:
                return changes
            self.is_behind = False


@router.websocket("/ws/conversations/")
async def follow_conversations(socket: WebSocket, context: Context) -> None:
    """Push every new message and every change of the tenant, from a cursor on.

    The access token follows `pilito.token` in `Sec-WebSocket-Protocol`, or stands in
    the query as `token`; a program sends its key as `Authorization: Bearer`. Each frame
    carries a cursor; send it as `since` to resume. Without one, the feed begins now.
    Close codes: 1013 reconnect; 4400 the cursor is not valid, start again without it;
    4401 sign in again; 4403 the API key lacks the scope; 4429 too many windows, wait.
    """
    # Accepted first: a page can read a close code, but not a refused handshake.
    await websocket.accept(socket, SUBPROTOCOL)

    async def identify() -> auth.Principal:
        address = auth.client_address(socket, context)
        return await auth.authenticate(context, _read_token(socket), address)

    await serve_feed(socket, context, identify, JsonFrames())


async def serve_feed(
    socket: WebSocket, context: WebDependencies, identify: Identify, frames: Frames
) -> None:
    """Send the changes of the caller's tenant to an accepted socket, then close it."""
    try:
        ending = await _follow(socket, context, identify, frames)
    except errors.NotSignedInError:
        ending = websocket.SIGNED_OUT
    except (errors.RoleNeededError, errors.ScopeNeededError):
        ending = websocket.NOT_ALLOWED
    except (TooManyRequestsError, inbox_feed.TooManyFollowersError):
        ending = websocket.TOO_MANY
    except DATABASE_AWAY:
        ending = websocket.TRY_AGAIN
    await websocket.close_socket(socket, ending)


def render_changes(changes: inbox_feed.Changes) -> str:
    """Render changes as a frame."""
    rendered = [
        (
            message.id in changes.new_ids,
            LiveMessage.model_validate(message),
        )
        for message in changes.messages
    ]
    frame = ChangesFrame(
        cursor=changes.cursor.render(),
        messages=[message for is_new, message in rendered if is_new],
        changed_messages=[message for is_new, message in rendered if not is_new],
        conversations=[render_conversation(row) for row in changes.conversations],
    )
    return frame.model_dump_json()


async def _follow(
    socket: WebSocket, context: WebDependencies, identify: Identify, frames: Frames
) -> Ending:
    principal = await identify()
    await auth.count_call(context, principal)
    check_access(LIVE, principal.rank, principal.scopes)
    feed = context.inbox_feed
    # Registered before the cursor is read: changes in between are signalled.
    with feed.follow(principal.tenant_id, principal.user_id) as follower:
        end = await fetch_feed_end(context.pool)
        cursor = end
        since = socket.query_params.get("since", "")
        if since:
            try:
                cursor = FeedCursor.parse(since)
            except ValueError:
                return websocket.invalid("since")
            if not cursor.is_within(end):
                return websocket.invalid("since")
        window = Window(socket, feed, follower, principal.tenant_id, cursor, frames)
        return await websocket.run_until_first(
            websocket.wait_for_leaving(socket),
            window.send_changes(),
            _wait_for_sign_out(identify, context, principal.expires_at, follower),
        )


def _read_token(socket: WebSocket) -> str:
    """Read the access token of the offer or the address, or a program's key.

    Raises:
        NotSignedInError: a key in the address, where proxies would log it.
    """
    offered = websocket.read_token(socket, SUBPROTOCOL)
    token = socket.query_params.get("token", "")
    if token.startswith(auth.KEY_PREFIX):
        raise errors.NotSignedInError
    scheme, _, value = socket.headers.get("authorization", "").partition(" ")
    # Browsers can't set a header on a socket; programs can.
    header = value.strip() if scheme.lower() == "bearer" else ""
    return offered or token or header


async def _wait_for_sign_out(
    identify: Identify,
    context: WebDependencies,
    expires_at: datetime | None,
    follower: inbox_feed.Follower,
) -> Ending:
    """Wait until the token expires, or the access of its user ends."""
    recheck = context.inbox_feed.limits.recheck
    while True:
        left = recheck if expires_at is None else expires_at - context.clock.now()
        # Told at once by the database; asked now and then in case that was missed.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, min(left, recheck).total_seconds())):
                await follower.access_changed.wait()
        follower.access_changed.clear()
        if expires_at is not None and context.clock.now() >= expires_at:
            return websocket.SIGNED_OUT
        try:
            principal = await identify()
            check_access(LIVE, principal.rank, principal.scopes)
        except (errors.NotSignedInError, errors.RoleNeededError):
            return websocket.SIGNED_OUT
        except TooManyRequestsError:
            return websocket.TRY_AGAIN
        except DATABASE_AWAY:
            return websocket.TRY_AGAIN
