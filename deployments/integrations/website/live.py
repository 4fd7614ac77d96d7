"""Brings a conversation to a visitor's browser over a WebSocket."""

import asyncio

import orjson
from fastapi import WebSocket

from deployments.integrations.errors import DirectoryUnavailableError, InvalidFieldError
from deployments.integrations.website.hub import (
    Frame,
    TooManyVisitsError,
    Visit,
    Writing,
)
from deployments.integrations.website.reading import check_visitor_id
from deployments.integrations.website.services import WebsiteServices
from deployments.integrations.website.throttle import find_address
from deployments.web.websocket import (
    HEARTBEAT,
    PING,
    SEND_TIMEOUT,
    TOO_MANY,
    TOO_SLOW,
    TRY_AGAIN,
    Ending,
    close_socket,
    invalid,
    run_until_first,
    send_text,
    unknown,
    wait_for_leaving,
)
from persistence.channels import ChannelKind
from persistence.chat import fetch_chat_start
from persistence.errors import DATABASE_AWAY
from persistence.feed import fetch_feed_end
from persistence.ids import derive_conversation_id

#: So much of a long conversation is shown to a visitor who brings no cursor.
NEWEST = 200

AUTHORS = {
    "customer": "customer",
    "AI": "assistant",
    "marketing": "assistant",
    "support": "operator",
}
_MAX_SEQ = 2**63 - 1


async def follow(
    socket: WebSocket, services: WebsiteServices, channel_key: str, visitor_id: str
) -> None:
    """Serve one WebSocket from its opening to its end."""
    # Accepted first: a browser shows the page a close code, but no refused handshake.
    await socket.accept()
    try:
        ending = await _follow(socket, services, channel_key, visitor_id)
    except TooManyVisitsError:
        ending = TOO_MANY
    except DirectoryUnavailableError:
        ending = TRY_AGAIN
    except DATABASE_AWAY:
        ending = TRY_AGAIN
    await close_socket(socket, ending)


async def _follow(
    socket: WebSocket, services: WebsiteServices, channel_key: str, visitor_id: str
) -> Ending:
    since = socket.query_params.get("since", "")
    try:
        check_visitor_id(visitor_id)
    except InvalidFieldError:
        return invalid("visitor_id")
    # The length first: Python refuses to read numbers of thousands of digits.
    is_cursor = since.isdecimal() and len(since) < 20 and int(since) <= _MAX_SEQ
    if since and not is_cursor:
        return invalid("since")
    channel = await services.directory.find(ChannelKind.WEBSITE, channel_key)
    if channel is None:
        return unknown("channel")
    conversation_id = derive_conversation_id(channel.id, visitor_id)
    if since:
        cursor = int(since)
        end = await fetch_feed_end(services.pool)
        if cursor > max((seq for _, seq in end.positions), default=0):
            # Of a database from before a restore: what comes would stay unseen.
            return invalid("since")
    else:
        cursor = await fetch_chat_start(services.pool, conversation_id, NEWEST)
    peer = socket.client.host if socket.client else None
    address = find_address(peer, socket.headers.getlist("x-forwarded-for"))
    with services.hub.visit(conversation_id, cursor, address) as visit:
        return await run_until_first(
            wait_for_leaving(socket),
            _send_frames(socket, visit),
            _wait_for_fall(visit),
        )


def render_frame(frame: Frame) -> str:
    """Write a frame as the page reads it."""
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
    return TOO_SLOW


async def _send_frames(socket: WebSocket, visit: Visit) -> Ending:
    while True:
        try:
            async with asyncio.timeout(HEARTBEAT.total_seconds()):
                frame = await visit.frames.get()
        except TimeoutError:
            text = PING
        else:
            text = render_frame(frame)
        if not await send_text(socket, text, SEND_TIMEOUT):
            return TOO_SLOW
