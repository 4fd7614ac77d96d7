"""An HTTP server in a thread of its own, whose answers a test scripts."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.support.waiting import describe

#: A moment on an idle machine.
START_OR_STOP_S = 60.0
#: Accepted, made, given to its task, begun: so many turns of the loop, and some more.
STEPS_TO_OPEN = 8


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Accept:
    """Do what is asked, and say so."""


@dataclass(frozen=True, slots=True)
class Fail:
    """Refuse with a status and a body."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hang:
    """Do what is asked and never answer."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """Do what is asked and reset the connection instead of answering."""


Reply = Accept | Fail | Hang | HangUp


class ScriptedServer:
    """Serves HTTP; what an accepted call does and answers is the subclass's."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._replies: deque[Reply] = deque()
        self._loop = asyncio.new_event_loop()
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._port = 0

    def take(self, call: Call, reply: Reply) -> str:
        """Note a call, with the lock held; return the body of an acceptance."""
        raise NotImplementedError

    def choose(self, _call: Call) -> Reply:
        """Return what to answer: what was told next, or an acceptance."""
        return self._replies.popleft() if self._replies else Accept()

    def answer_next(self, *replies: Reply) -> None:
        """Answer the next calls so, one each; after them all are accepted."""
        self._replies.extend(replies)

    def wait_until(self, holds: Callable[[], bool], timeout_s: float) -> None:
        """Wait for a call that makes `holds` true."""
        with self._changed:
            assert self._changed.wait_for(holds, timeout_s), describe(holds)

    def __enter__(self) -> Self:
        """Start; the port is the machine's choice."""
        self._thread.start()
        opened = asyncio.run_coroutine_threadsafe(self._open(), self._loop)
        self._port = opened.result(timeout=START_OR_STOP_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, also with calls that hang."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(
            timeout=START_OR_STOP_S
        )
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=START_OR_STOP_S)
        self._loop.close()

    @property
    def url(self) -> str:
        """Return the server's address."""
        return f"http://127.0.0.1:{self._port}"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _open(self) -> int:
        self._server = await asyncio.start_server(self._on_connect, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        # A connection may be on its way in. One that is left half open is told of when
        # it is collected: in the middle of another test.
        for _ in range(STEPS_TO_OPEN):
            await asyncio.sleep(0)
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await asyncio.sleep(0)

    async def _on_connect(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while await self._serve_one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve_one(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Serve one call; False when the connection is to be closed."""
        call = await _read_call(reader)
        with self._changed:
            reply = self.choose(call)
            body = self.take(call, reply)
            self._changed.notify_all()
        match reply:
            case Accept():
                _write(writer, 200, body, {})
            case Fail():
                _write(writer, reply.status, reply.body, reply.headers)
            case Hang():
                await asyncio.Event().wait()
            case HangUp():
                writer.transport.abort()
                return False
        await writer.drain()
        return True


async def _read_call(reader: asyncio.StreamReader) -> Call:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    lines = [line.partition(":") for line in head[1:] if line]
    headers = {name.lower(): value.strip() for name, _, value in lines}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Call(path, headers, body, method)


def _write(
    writer: asyncio.StreamWriter, status: int, body: str, headers: Mapping[str, str]
) -> None:
    content = body.encode()
    lines = [
        f"HTTP/1.1 {status} Told",
        "content-type: application/json",
        f"content-length: {len(content)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode() + content)
