"""Requests as ASGI brings them: headers and the body."""

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from deployments.http.errors import BodyTooLargeError


def find_header(scope: Scope, name: bytes) -> str:
    """Return a header's first value; empty if it is missing.

    Reads the raw list: building a mapping first costs as much as the signature.
    """
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    for key, value in headers:
        if key == name:
            return value.decode("latin-1")
    return ""


async def read_body(scope: Scope, receive: Receive, max_bytes: int) -> bytes:
    """Read the whole body.

    Raises:
        BodyTooLargeError: it is, or says it is, larger than `max_bytes`.
        ClientDisconnect: the sender went away in the middle of it.
    """
    length = find_header(scope, b"content-length")
    # Python refuses to read numbers of thousands of digits; this one needs none.
    if length.isdecimal() and (len(length) > 15 or int(length) > max_bytes):
        raise BodyTooLargeError
    parts: list[bytes] = []
    size_bytes = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part: bytes = message.get("body", b"")
        size_bytes += len(part)
        if size_bytes > max_bytes:
            raise BodyTooLargeError
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)
