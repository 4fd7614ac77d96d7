"""Reads request bodies: no more than was agreed, and JSON as others write it."""

import re

import orjson
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from deployments.integrations.errors import BodyTooLargeError, BrokenBodyError

#: An escape of JSON: an emoji's two halves, one half alone, or any other.
_ESCAPE = re.compile(
    rb"\\u[dD][89aAbB]..\\u[dD][c-fC-F]..|(\\u[dD][89a-fA-F]..)|\\.", re.DOTALL
)


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


def read_json(body: bytes) -> object:
    """Read JSON, also where a text of it was cut in the middle of a letter.

    Texts are cut so by platforms and by browsers, and half an emoji is no text to our
    reader: all that was delivered beside it would be refused with it.

    Raises:
        BrokenBodyError: it is no JSON all the same.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        whole = body.decode("utf-8", "replace").encode()
        whole = _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], whole)
    try:
        return orjson.loads(whole)
    except orjson.JSONDecodeError as error:
        message = f"The body is not JSON: {error}"
        raise BrokenBodyError(message) from error
