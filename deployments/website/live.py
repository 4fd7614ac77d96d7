"""Brings a conversation to a visitor's browser over a WebSocket."""

import asyncio
import contextlib
from datetime import timedelta

import orjson
import structlog
from fastapi import WebSocket
from starlette.websockets import WebSocketDisconnect, WebSocketState

from deployments.channels.errors import DirectoryUnavailableError, InvalidFieldError
from deployments.channels.website import check_visitor_id
from deployments.errors import DATABASE_AWAY
from deployments.website.hub import Frame, TooManyVisitsError, Visit, Writing
from deployments.website.services import WebsiteServices
from persistence.channels import ChannelKind
from persistence.chat import fetch_chat_start
from persistence.ids import derive_conversation_id

#: Close codes: the page stops at the 44xx ones and comes back after any other.
CLOSE_INVALID = 4400
CLOSE_UNKNOWN = 4404
CLOSE_TOO_MANY = 4429
CLOSE_TRY_AGAIN = 1013
#: So much of a long conversation is shown to a visitor who brings no cursor.
NEWEST = 200
#: Proxies cut links on which nothing was said for a minute.
HEARTBEAT = timedelta(seconds=25)
#: A phone that left the network takes nothing; it comes back with its cursor.
SEND_PATIENCE = timedelta(seconds=10)

AUTHORS = {
    "customer": "customer",
    "AI": "assistant",
    "marketing": "assistant",
    "support": "operator",
}
_PING = '{"type":"ping"}'
_MAX_SEQ = 2**63 - 1

log = structlog.get_logger("website_live")


async def follow(
    socket: WebSocket, services: WebsiteServices, channel_key: str, visitor_id: str
) -> None:
    """Serve one WebSocket from its opening to its end."""
    # Accepted first: a browser shows the page a close code, but no refused handshake.
    await socket.accept()
    since = socket.query_params.get("since", "")
    try:
        check_visitor_id(visitor_id)
    except InvalidFieldError:
        await socket.close(CLOSE_INVALID, "visitor_id")
        return
    if since and not (since.isdecimal() and int(since[:20]) <= _MAX_SEQ):
        await socket.close(CLOSE_INVALID, "since")
        return
    try:
        channel = await services.directory.find(ChannelKind.WEBSITE, channel_key)
        if channel is None:
            await socket.close(CLOSE_UNKNOWN, "unknown channel")
            return
        conversation_id = derive_conversation_id(channel.id, visitor_id)
        if since:
            cursor = int(since)
        else:
            cursor = await fetch_chat_start(services.pool, conversation_id, NEWEST)
        with services.hub.visit(conversation_id, cursor) as visit:
            await _serve(socket, visit)
    except TooManyVisitsError:
        await socket.close(CLOSE_TOO_MANY, "too many windows")
    except DirectoryUnavailableError:
        await _close(socket, CLOSE_TRY_AGAIN)
    except DATABASE_AWAY:
        await _close(socket, CLOSE_TRY_AGAIN)


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


async def _serve(socket: WebSocket, visit: Visit) -> None:
    """Send until the visitor leaves or does not keep up."""
    jobs = [
        asyncio.create_task(_listen(socket)),
        asyncio.create_task(_send_frames(socket, visit)),
        asyncio.create_task(visit.fell_behind.wait()),
    ]
    try:
        done, _ = await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
    for job in done:
        error = job.exception()
        if error is not None and not isinstance(
            error, WebSocketDisconnect | TimeoutError | RuntimeError | OSError
        ):
            log.error("website_live_failed", exc_info=error)
    await _close(socket, CLOSE_TRY_AGAIN)


async def _listen(socket: WebSocket) -> None:
    """Wait for the end; what a visitor says here means nothing."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _send_frames(socket: WebSocket, visit: Visit) -> None:
    while True:
        try:
            async with asyncio.timeout(HEARTBEAT.total_seconds()):
                frame = await visit.frames.get()
        except TimeoutError:
            text = _PING
        else:
            text = render_frame(frame)
        async with asyncio.timeout(SEND_PATIENCE.total_seconds()):
            await socket.send_text(text)


async def _close(socket: WebSocket, code: int) -> None:
    if socket.application_state is not WebSocketState.CONNECTED:
        return
    # The other end may be gone already, which is what was wanted.
    with contextlib.suppress(RuntimeError, OSError, WebSocketDisconnect, TimeoutError):
        async with asyncio.timeout(1):
            await socket.close(code)
