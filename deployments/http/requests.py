"""Requests as ASGI brings them: headers, the body, the client's address."""

import asyncio
import ipaddress
from collections.abc import Coroutine, Iterable
from typing import TypeVar

from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.types import Receive, Scope

from deployments.http.errors import BodyTooLargeError

Result = TypeVar("Result")


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


async def run_while_connected(
    request: Request, work: Coroutine[object, object, Result]
) -> Result:
    """Run slow work for a caller, and cancel it when the caller goes away.

    The body of the request must have been read.

    Raises:
        ClientDisconnect: the caller went away; nobody reads an answer.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_wait_until_gone(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return await task
    finally:
        for one in (task, gone):
            one.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _wait_until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def read_address(connection: HTTPConnection) -> str | None:
    """Return the client's public address, if any is known; see `find_address`."""
    peer = connection.client.host if connection.client else None
    return find_address(peer, connection.headers.getlist("x-forwarded-for"))


def find_address(peer: str | None, forwarded: Iterable[str]) -> str | None:
    """Return the client's public address; None when no hop tells one.

    Args:
        peer: the other end of the connection.
        forwarded: the values of `X-Forwarded-For`, which each proxy adds to.

    A peer with a public address is the client. Behind proxies of our own it is the
    last public address that they noted: what stands before it, anyone can write.
    """
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    if peer is not None:
        hops.append(peer)
    for hop in reversed(hops):
        try:
            address = ipaddress.ip_address(hop)
        except ValueError:
            return None
        if address.version == 6 and address.is_global:
            # One household owns a whole /64 and may use a new address a minute.
            return str(ipaddress.ip_network((address, 64), strict=False))
        if address.is_global:
            return str(address)
    return None
