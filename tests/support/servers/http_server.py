"""Serves an app over real HTTP and WebSockets, in the loop of the test."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from types import MappingProxyType

import uvicorn
from starlette.types import ASGIApp
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
#: What was answered slowly on a busy machine was answered.
ANSWER_S = 60.0


def open_socket(
    uri: str,
    headers: Mapping[str, str] = NO_HEADERS,
    subprotocols: Sequence[str] = (),
) -> connect:
    """Open a WebSocket that waits as long as the test may.

    By itself it gives an opening ten seconds and a pong twenty. The server shares the
    test's loop, and on a busy machine may take longer.
    """
    return connect(
        uri,
        additional_headers=headers,
        subprotocols=[Subprotocol(one) for one in subprotocols] or None,
        open_timeout=None,
        ping_interval=None,
    )


async def read_close_code(opening: connect) -> int | None:
    """Open a socket that the server closes without a word; return its code."""
    async with opening as socket:
        with suppress(ConnectionClosed):
            told = await socket.recv()
            message = f"the server said {told!r}"
            raise AssertionError(message)
        return socket.close_code


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """Serve the app; yield `127.0.0.1:{port}`."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        log_config=None,
        lifespan="off",
        ws="websockets-sansio",
        timeout_graceful_shutdown=1,
        # A server that closes first, as a client begins to ask again, is a lost call.
        timeout_keep_alive=3600,
        ws_ping_interval=None,
    )
    server = uvicorn.Server(config)
    # Signals stay pytest's: only `serve` would take them.
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    ticking = asyncio.create_task(server.main_loop())
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await ticking
        await server.shutdown()
