"""ASGI app whose parts open when its server starts, and close when it stops."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from config import memory

Opener = Callable[[AsyncExitStack], Awaitable[ASGIApp]]

log = structlog.get_logger("asgi")


class OpenedApp:
    """Opens the real app when the server starts, so that opening may await.

    What the opener pushes on the stack is closed when the server stops, last first.
    """

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._stack = AsyncExitStack()
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the lifespan here, everything else in the real app."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._app is None:
            message = "a request came before the server had started"
            raise RuntimeError(message)
        else:
            await self._app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            self._app = await self._opener(self._stack)
        except Exception as error:
            log.exception("app_not_opened")
            await self._stack.aclose()
            await send({"type": "lifespan.startup.failed", "message": repr(error)})
            return
        memory.settle()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._stack.aclose()
        await send({"type": "lifespan.shutdown.complete"})
