"""Limits of bodies: small ones for everybody, larger ones for those who signed in."""

from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployments.errors import build_error_response
from deployments.http.errors import (
    BodyTooLargeError,
    BodyTooSlowError,
    TooManyRequestsError,
)
from deployments.http.open_bodies import OpenBodies
from deployments.http.requests import PACE, BodyReader, Pace, find_header
from deployments.web.api import auth, uploads
from deployments.web.api.errors import NotSignedInError
from deployments.web.dependencies import WebDependencies
from persistence.errors import DATABASE_AWAY

#: What anybody may send: a visitor's longest message fits.
MAX_STRANGERS_BYTES = 64 * 1024
#: An operator's longest answer, or a service's body, with every letter as an escape.
MAX_BODY_BYTES = 512 * 1024
#: The longest document with every letter as a JSON escape, and room to spare.
MAX_DOCUMENT_BYTES = 4 * 1024 * 1024
DOCUMENTS = "/api/knowledge/documents/"
API = "/api/"
#: An office is one address with many people behind it, and a body mostly takes
#: milliseconds.
MAX_OPEN_PER_ADDRESS = 64
MAX_OPEN = 2_000
#: Bodies of more than a stranger's size that one account sends at once.
MAX_LARGE_PER_USER = 4
MAX_LARGE = 32

BEARER = "bearer "
_REFUSALS: tuple[type[Exception], ...] = (
    BodyTooLargeError,
    BodyTooSlowError,
    TooManyRequestsError,
    *DATABASE_AWAY,
)


class BodyLimit:
    """Limits the size of bodies by reading them: a header can lie, or be missing.

    Before the sign-in 64 KiB are the most, so that strangers can't fill the memory.
    """

    def __init__(
        self, app: ASGIApp, context: WebDependencies, pace: Pace = PACE
    ) -> None:
        self._app = app
        self._context = context
        self._pace = pace
        self._open = OpenBodies(MAX_OPEN_PER_ADDRESS, MAX_OPEN)
        self._large = OpenBodies(MAX_LARGE_PER_USER, MAX_LARGE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse a body that is too large or too slow."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            body = await self._read(scope, receive)
        except _REFUSALS as error:
            await build_error_response(error)(scope, receive, send)
            return
        except ClientDisconnect:
            return  # Nobody is left to answer.
        pending: list[Message] = [{"type": "http.request", "body": body}]

        async def receive_read() -> Message:
            return pending.pop() if pending else await receive()

        await self._app(scope, receive_read, send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes:
        reader = BodyReader(scope, receive, self._pace)
        address = self._context.addresses.read(HTTPConnection(scope))
        with self._open.hold(address):
            try:
                return await reader.read(MAX_STRANGERS_BYTES)
            except BodyTooLargeError:
                user = await self._find_user(scope)
        with self._large.hold(user):
            return await reader.read(_limit_of(scope["path"]))

    async def _find_user(self, scope: Scope) -> str:
        """Return who has signed in. Raises BodyTooLargeError for anybody else."""
        header = find_header(scope, b"authorization")
        if not scope["path"].startswith(API) or not header.lower().startswith(BEARER):
            raise BodyTooLargeError
        try:
            connection = HTTPConnection(scope)
            principal = await auth.authenticate(
                self._context,
                header[len(BEARER) :].strip(),
                auth.client_address(connection, self._context),
            )
        except NotSignedInError as error:
            raise BodyTooLargeError from error
        return str(principal.user_id)


def _limit_of(path: str) -> int:
    if path == uploads.PATH:
        return uploads.MAX_UPLOAD_BYTES
    return MAX_DOCUMENT_BYTES if path.startswith(DOCUMENTS) else MAX_BODY_BYTES
