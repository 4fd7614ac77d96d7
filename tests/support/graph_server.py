"""A real HTTP server that plays Meta's Graph API, in a thread of its own."""

import asyncio
import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True)
class GraphSend:
    """One request as it arrived; `mid` is empty when it was not accepted."""

    path: str
    token: str
    recipient: str
    text: str
    mid: str
    headers: Mapping[str, str]
    #: Why a message may come so late, and its type; empty when it does not say.
    tag: str = ""
    messaging_type: str = ""


@dataclass(frozen=True, slots=True)
class Accept:
    """Take the message and name it."""


@dataclass(frozen=True, slots=True)
class Fail:
    """Refuse with a status and a body."""

    status: int
    body: str = '{"error": {"message": "told to fail", "code": 100}}'
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hang:
    """Take the message and never answer."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """Take the message and close the connection instead of answering."""


Reply = Accept | Fail | Hang | HangUp


class GraphServer:
    """Answers `POST …/me/messages`, by default with a message id.

    Usage:
        with GraphServer() as graph:
            graph.answer_next(Fail(500), Hang())
            ...  # point PILITO_INSTAGRAM_GRAPH_URL at graph.url
            graph.wait_for(1)
            assert graph.accepted[0].text == "سلام"
    """

    def __init__(self) -> None:
        #: Everything that arrived, in order, refused or not.
        self.sends: list[GraphSend] = []
        self._replies: deque[Reply] = deque()
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._port = 0

    def __enter__(self) -> Self:
        """Start; the port is the machine's choice."""
        self._thread.start()
        opened = asyncio.run_coroutine_threadsafe(self._open(), self._loop)
        self._port = opened.result(timeout=5)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, also with requests that hang."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(timeout=5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)
        self._loop.close()

    @property
    def url(self) -> str:
        """Return the address for PILITO_INSTAGRAM_GRAPH_URL."""
        return f"http://127.0.0.1:{self._port}/v24.0"

    @property
    def accepted(self) -> list[GraphSend]:
        """Return the sends that a customer would have seen, in order."""
        return [send for send in list(self.sends) if send.mid]

    def answer_next(self, *replies: Reply) -> None:
        """Answer the next requests so, one each; after them all are accepted."""
        self._replies.extend(replies)

    def wait_for(self, count: int, timeout_s: float = 10.0) -> list[GraphSend]:
        """Wait until `count` requests have arrived, and return them.

        Raises:
            TimeoutError: they did not come.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.sends) >= count, timeout_s):
                message = f"{len(self.sends)} of {count} sends arrived"
                raise TimeoutError(message)
        return list(self.sends)

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
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

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
        """Serve one request; False when the connection is to be closed."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        _, path, _ = head[0].split(" ")
        lines = [line.partition(":") for line in head[1:] if line]
        headers = {name.lower(): value.strip() for name, _, value in lines}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        reply = self._replies.popleft() if self._replies else Accept()
        mid = "" if isinstance(reply, Fail) else f"graph-mid-{len(self.sends) + 1}"
        self._record(path, headers, body, mid)
        match reply:
            case Accept():
                _write(writer, 200, json.dumps({"message_id": mid}), {})
            case Fail():
                _write(writer, reply.status, reply.body, reply.headers)
            case Hang():
                await asyncio.Event().wait()
            case HangUp():
                return False
        await writer.drain()
        return True

    def _record(
        self, path: str, headers: Mapping[str, str], body: bytes, mid: str
    ) -> None:
        payload = json.loads(body)
        with self._changed:
            self.sends.append(
                GraphSend(
                    path=path,
                    token=headers.get("authorization", "").removeprefix("Bearer "),
                    recipient=payload["recipient"]["id"],
                    text=payload["message"]["text"],
                    mid=mid,
                    headers=headers,
                    tag=payload.get("tag", ""),
                    messaging_type=payload.get("messaging_type", ""),
                )
            )
            self._changed.notify_all()


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
