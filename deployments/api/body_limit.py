"""Refuses bodies that are larger than anything the API has a use for."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployments.api.errors import PayloadTooLargeError

#: The longest document, each letter written as a JSON escape, and room to spare.
MAX_BODY_BYTES = 4 * 1024 * 1024


class BodyLimit:
    """Counts the body while it is read: a header alone can lie, or be missing."""

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; raise PayloadTooLargeError where it is too large."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        seen = 0

        async def receive_counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._max_bytes:
                raise PayloadTooLargeError
            return message

        await self._app(scope, receive_counted, send)
