"""WebSocket of the chat window: sends a conversation to the visitor's browser."""

import asyncio
from dataclasses import dataclass

import orjson
from fastapi import WebSocket

from actors.clock import Clock
from actors.conversation.client import Shards
from deployments.http import websocket
from deployments.http.requests import read_address
from deployments.http.websocket import Ending
from deployments.integrations.channel_directory import ChannelDirectory
from deployments.integrations.errors import DirectoryUnavailableError, InvalidFieldError
from deployments.integrations.website.hub import (
    Frame,
    TooManyVisitsError,
    Visit,
    WebsiteHub,
    Writing,
)
from deployments.integrations.website.reading import check_visitor_id
from deployments.rate_limit import VisitorRateLimiter
from persistence.channels import ChannelKind
from persistence.chat import fetch_chat_start
from persistence.database import Pool
from persistence.errors import DATABASE_AWAY
from persistence.feed import fetch_feed_end
from persistence.ids import derive_conversation_id

#: The messages that a visitor without a cursor is sent.
NEWEST = 200

AUTHORS = {
    "customer": "customer",
    "AI": "assistant",
    "marketing": "assistant",
    "support": "operator",
}
_MAX_SEQ = 2**63 - 1
_TRY_LATER: tuple[type[Exception], ...] = (DirectoryUnavailableError, *DATABASE_AWAY)


@dataclass(frozen=True, slots=True)
class WebsiteDependencies:
    """What the chat page needs; the hub must be started and hear `pilito_messages`."""

    pool: Pool
    shards: Shards
    directory: ChannelDirectory
    hub: WebsiteHub
    rate_limiter: VisitorRateLimiter
    clock: Clock


async def follow(
    socket: WebSocket, parts: WebsiteDependencies, channel_key: str, visitor_id: str
) -> None:
    """Serve one WebSocket from its opening to its end."""
    # Accepted first: a page can read a close code, but not a refused handshake.
    await socket.accept()
    try:
        ending = await _follow(socket, parts, channel_key, visitor_id)
    except TooManyVisitsError:
        ending = websocket.TOO_MANY
    except _TRY_LATER:
        ending = websocket.TRY_AGAIN
    await websocket.close_socket(socket, ending)


async def _follow(
    socket: WebSocket, parts: WebsiteDependencies, channel_key: str, visitor_id: str
) -> Ending:
    since = socket.query_params.get("since", "")
    try:
        check_visitor_id(visitor_id)
    except InvalidFieldError:
        return websocket.invalid("visitor_id")
    # The length first: Python refuses to read numbers of thousands of digits.
    is_cursor = since.isdecimal() and len(since) < 20 and int(since) <= _MAX_SEQ
    if since and not is_cursor:
        return websocket.invalid("since")
    channel = await parts.directory.find(ChannelKind.WEBSITE, channel_key)
    if channel is None:
        return websocket.unknown("channel")
    conversation_id = derive_conversation_id(channel.id, visitor_id)
    if since:
        cursor = int(since)
        end = await fetch_feed_end(parts.pool)
        if cursor > max((seq for _, seq in end.positions), default=0):
            # A cursor from before a restore of the database would hide new messages.
            return websocket.invalid("since")
    else:
        cursor = await fetch_chat_start(parts.pool, conversation_id, NEWEST)
    address = read_address(socket)
    with parts.hub.visit(conversation_id, cursor, address) as visit:
        return await websocket.run_until_first(
            websocket.wait_for_leaving(socket),
            _send_frames(socket, visit),
            _wait_for_fall(visit),
        )


def render_frame(frame: Frame) -> str:
    """Render a frame for the page."""
    if isinstance(frame, Writing):
        return orjson.dumps({"type": "typing", "is_active": frame.is_active}).decode()
    message = {
        "type": "message",
        "id": frame.id,
        "seq": frame.seq,
        "author": AUTHORS[frame.type],
        "content": frame.content,
        "created_at": frame.created_at,
    }
    return orjson.dumps(message).decode()


async def _wait_for_fall(visit: Visit) -> Ending:
    await visit.fell_behind.wait()
    return websocket.TOO_SLOW


async def _send_frames(socket: WebSocket, visit: Visit) -> Ending:
    while True:
        try:
            async with asyncio.timeout(websocket.HEARTBEAT.total_seconds()):
                frame = await visit.frames.get()
        except TimeoutError:
            text = websocket.PING
        else:
            text = render_frame(frame)
        if not await websocket.send_text(socket, text, websocket.SEND_TIMEOUT):
            return websocket.TOO_SLOW
