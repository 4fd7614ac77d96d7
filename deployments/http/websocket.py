"""What every WebSocket of ours does alike: send with timeout, end with a reason."""

import asyncio
import contextlib
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

#: Proxies cut links on which nothing was said for a minute.
HEARTBEAT: Final = timedelta(seconds=25)
#: A phone that left the network takes nothing; it comes back with its cursor.
SEND_TIMEOUT: Final = timedelta(seconds=10)
PING: Final = '{"type":"ping"}'

log = structlog.get_logger("sockets")


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a socket is closed, as the other end is told."""

    code: int
    reason: str


#: 1013 asks to come back with the cursor; at 44xx something must change before that.
TRY_AGAIN = Ending(1013, "try again")
TOO_SLOW = Ending(1013, "too slow")
SIGNED_OUT = Ending(4401, "sign in again")
TOO_MANY = Ending(4429, "too many")


def invalid(name: str) -> Ending:
    """Return the ending of a request whose parameter `name` can't be used."""
    return Ending(4400, name)


def unknown(what: str) -> Ending:
    """Return the ending of a request for something that is not there."""
    return Ending(4404, f"unknown {what}")


async def wait_for_leaving(socket: WebSocket) -> Ending:
    """Wait until the other end leaves; what it says meanwhile means nothing."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
    return TRY_AGAIN


async def send_text(socket: WebSocket, text: str, max_wait: timedelta) -> bool:
    """Send; False if the other end takes nothing for so long."""
    try:
        async with asyncio.timeout(max_wait.total_seconds()):
            await socket.send_text(text)
    except TimeoutError:
        return False
    return True


async def run_until_first(*jobs: Coroutine[None, None, Ending]) -> Ending:
    """Run the jobs of a socket until the first ends, and give up the others."""
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
    # Who leaves while we send is no failure.
    if not isinstance(error, WebSocketDisconnect | RuntimeError | OSError):
        log.error("socket_failed", exc_info=error)
    return TRY_AGAIN


async def close_socket(socket: WebSocket, ending: Ending) -> None:
    """Close, if the other end is still there."""
    if socket.application_state is not WebSocketState.CONNECTED:
        return
    # It may be gone already, which is what was wanted.
    with contextlib.suppress(RuntimeError, OSError, WebSocketDisconnect, TimeoutError):
        async with asyncio.timeout(1):
            await socket.close(ending.code, ending.reason)
