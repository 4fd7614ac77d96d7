"""Refuses bodies that are larger than anything the API has a use for."""

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployments.errors import build_error_response
from deployments.integrations.bodies import read_body
from deployments.integrations.errors import BodyTooLargeError

#: The longest document, each letter written as a JSON escape, and room to spare.
MAX_BODY_BYTES = 4 * 1024 * 1024


class BodyLimit:
    """Reads the body before the app does: a header alone can lie, or be missing."""

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer that it is too large."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            body = await read_body(scope, receive, self._max_bytes)
        except BodyTooLargeError as error:
            await build_error_response(error)(scope, receive, send)
            return
        except ClientDisconnect:
            return  # Nobody is left to answer.
        pending: list[Message] = [{"type": "http.request", "body": body}]

        async def receive_read() -> Message:
            return pending.pop() if pending else await receive()

        await self._app(scope, receive_read, send)
