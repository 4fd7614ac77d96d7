"""WebSocket helpers: sending with a timeout, and closing with a reason."""

import asyncio
import contextlib
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

#: Proxies cut a connection that was silent for a minute.
HEARTBEAT: Final = timedelta(seconds=25)
#: A phone that left the network takes no data; it reconnects with its cursor.
SEND_TIMEOUT: Final = timedelta(seconds=10)
PING: Final = '{"type":"ping"}'

log = structlog.get_logger("sockets")


@dataclass(frozen=True, slots=True)
class Ending:
    """The close code of a socket, and the reason in words."""

    code: int
    reason: str


#: 1013 asks the client to reconnect; after 44xx the request must change first.
TRY_AGAIN = Ending(1013, "try again")
TOO_SLOW = Ending(1013, "too slow")
SIGNED_OUT = Ending(4401, "sign in again")
NOT_ALLOWED = Ending(4403, "not allowed")
TOO_MANY = Ending(4429, "too many")


def invalid(name: str) -> Ending:
    """Return the ending for a parameter that is not valid."""
    return Ending(4400, name)


def unknown(what: str) -> Ending:
    """Return the ending for something that does not exist."""
    return Ending(4404, f"unknown {what}")


async def accept(socket: WebSocket, subprotocol: str) -> None:
    """Accept, and answer a client that offers the subprotocol."""
    is_offered = subprotocol in socket.scope.get("subprotocols", ())
    await socket.accept(subprotocol if is_offered else None)


def read_token(socket: WebSocket, subprotocol: str) -> str:
    """Return the token that follows a subprotocol in the offer; empty for none.

    Browsers let a page set no other header, and addresses end up in logs.
    """
    offered: list[str] = list(socket.scope.get("subprotocols", ()))
    if subprotocol not in offered:
        return ""
    after = offered[offered.index(subprotocol) + 1 :]
    return after[0] if after else ""


async def wait_for_leaving(socket: WebSocket) -> Ending:
    """Wait until the other end leaves; its messages are ignored."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
    return TRY_AGAIN


async def send_text(socket: WebSocket, text: str, max_wait: timedelta) -> bool:
    """Send a text; False if the other end does not take it within `max_wait`."""
    try:
        async with asyncio.timeout(max_wait.total_seconds()):
            await socket.send_text(text)
    except TimeoutError:
        return False
    return True


async def run_until_first(*jobs: Coroutine[None, None, Ending]) -> Ending:
    """Run the jobs of a socket until the first ends, and cancel the others."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    first = next(task for task in tasks if task in done)
    error = first.exception()
    if error is None:
        return first.result()
    # The other end may leave while we send: no failure.
    if not isinstance(error, WebSocketDisconnect | RuntimeError | OSError):
        log.error("socket_failed", exc_info=error)
    return TRY_AGAIN


async def close_socket(socket: WebSocket, ending: Ending) -> None:
    """Close, if the other end is still there."""
    if socket.application_state is not WebSocketState.CONNECTED:
        return
    # The other end may be gone already.
    with contextlib.suppress(RuntimeError, OSError, WebSocketDisconnect, TimeoutError):
        async with asyncio.timeout(1):
            await socket.close(ending.code, ending.reason)
