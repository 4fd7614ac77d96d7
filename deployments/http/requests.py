"""Requests as ASGI brings them: headers and the body."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Final, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope

from deployments.http.errors import BodyTooLargeError, BodyTooSlowError


@dataclass(frozen=True, slots=True)
class Pace:
    """How slow a sender may be."""

    #: Between two parts of a body.
    max_pause_s: float = 10.0
    #: For a body of any size: a phone's connection may break off for a moment.
    grace_s: float = 20.0
    #: On the average, after that.
    min_bytes_per_s: float = 16 * 1024

    def allow(self, size_bytes: int) -> float:
        """Return the seconds that so many bytes may take."""
        return self.grace_s + size_bytes / self.min_bytes_per_s


PACE: Final = Pace()

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


class BodyReader:
    """Reads one body within a limit that may be raised on the way.

    A sender that stalls, or sends so slowly that it only holds memory, is cut off.
    """

    def __init__(self, scope: Scope, receive: Receive, pace: Pace = PACE) -> None:
        self._length = find_header(scope, b"content-length")
        self._receive = receive
        self._pace = pace
        self._started = asyncio.get_running_loop().time()
        self._parts: list[bytes] = []
        self._size_bytes = 0
        self._has_more = True

    async def read(self, max_bytes: int) -> bytes:
        """Read the whole body; what came before an error is kept for another call.

        Raises:
            BodyTooLargeError: it is, or says it is, larger than `max_bytes`.
            BodyTooSlowError: it did not come in time.
            ClientDisconnect: the sender went away in the middle of it.
        """
        length = self._length
        # Python refuses to read numbers of thousands of digits; this one needs none.
        if length.isdecimal() and (len(length) > 15 or int(length) > max_bytes):
            raise BodyTooLargeError
        while self._size_bytes <= max_bytes and self._has_more:
            message = await self._receive_in_time()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            part: bytes = message.get("body", b"")
            self._size_bytes += len(part)
            self._parts.append(part)
            self._has_more = message.get("more_body", False)
        if self._size_bytes > max_bytes:
            raise BodyTooLargeError
        return b"".join(self._parts)

    async def _receive_in_time(self) -> Message:
        now = asyncio.get_running_loop().time()
        left_s = self._started + self._pace.allow(self._size_bytes) - now
        try:
            async with asyncio.timeout(min(left_s, self._pace.max_pause_s)):
                return await self._receive()
        except TimeoutError as error:
            raise BodyTooSlowError from error


async def read_body(scope: Scope, receive: Receive, max_bytes: int) -> bytes:
    """Read the whole body; see BodyReader."""
    return await BodyReader(scope, receive).read(max_bytes)


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
