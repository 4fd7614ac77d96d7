"""Operators who follow their inbox over a real WebSocket."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import orjson
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from persistence.listener import Listener
from persistence.users import ACCESS_CHANNEL, User
from tests.support.api import Api, sign
from tests.support.servers.http_server import open_socket, serving
from tests.support.waiting import time_limit

Json = dict[str, object]


@dataclass
class Follower:
    """One window: all that it was told, and the cursor to come back with."""

    socket: ClientConnection
    cursor: str = ""
    messages: list[Json] = field(default_factory=list)
    changed: list[Json] = field(default_factory=list)
    conversations: list[Json] = field(default_factory=list)
    last_frame: Json = field(default_factory=dict)

    async def read_frame(self) -> Json:
        """Read one frame and keep what it tells."""
        frame: Json = orjson.loads(await self.socket.recv())
        self.last_frame = frame
        if frame["type"] == "ping":
            return frame
        self.cursor = str(frame["cursor"])
        for told, name in (
            (self.messages, "messages"),
            (self.changed, "changed_messages"),
            (self.conversations, "conversations"),
        ):
            found = frame.get(name, [])
            assert isinstance(found, list)
            told.extend(found)
        return frame

    async def read_messages(self, count: int) -> list[object]:
        """Read on until so many new messages were told; return what they say."""
        await self.read_until(lambda: len(self.messages) >= count)
        return self.texts

    async def read_until(self, holds: Callable[[], bool]) -> None:
        """Read on until what was told makes `holds` true."""
        async with time_limit(lambda: self.last_frame):
            while not holds():
                await self.read_frame()

    async def read_to_the_end(self) -> None:
        """Read on until the socket is closed."""
        with suppress(ConnectionClosed):
            await self.read_until(lambda: False)

    @property
    def texts(self) -> list[object]:
        """What the new messages say."""
        return [message["content"] for message in self.messages]


@dataclass(frozen=True, slots=True)
class LiveApi:
    """A running application; `address` is `host:port`."""

    app: FastAPI
    address: str
    listener: Listener
    #: Set whenever a socket has come to its end here.
    has_ended: asyncio.Event
    _sockets: set["asyncio.Task[object]"] = field(default_factory=set)

    async def cut_sockets(self) -> None:
        """End all sockets without a word, as an outage does."""
        cut = [*self._sockets]
        for task in cut:
            task.cancel()
        await asyncio.gather(*cut, return_exceptions=True)

    def open(
        self, user: User | None = None, since: str = "", token: str | None = None
    ) -> connect:
        """Open a socket for the user, or with another token."""
        if token is None:
            token = "" if user is None else sign(self.app, user)
        query = f"?token={token}" + (f"&since={since}" if since else "")
        return open_socket(f"ws://{self.address}/ws/conversations/{query}")

    @asynccontextmanager
    async def follow(self, user: User, since: str = "") -> AsyncIterator[Follower]:
        """Follow as the user; the welcome is read."""
        async with self.open(user, since) as socket:
            follower = Follower(socket)
            assert (await follower.read_frame())["type"] == "welcome"
            yield follower


@asynccontextmanager
async def running_live(api: Api, app: FastAPI, dsn: str) -> AsyncIterator[LiveApi]:
    """Serve the application with all that its sockets need."""
    has_ended = asyncio.Event()

    sockets: set[asyncio.Task[object]] = set()

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        held = {task for task in (asyncio.current_task(),) if task is not None}
        if scope["type"] == "websocket":
            sockets.update(held)
        try:
            await app(scope, receive, send)
        finally:
            sockets.difference_update(held)
            has_ended.set()

    listener = Listener(dsn)
    listener.on("pilito_messages", api.inbox_feed.notify)
    listener.on(ACCESS_CHANNEL, api.inbox_feed.notify_access)
    await listener.start()
    await api.inbox_feed.start()
    try:
        async with serving(watched) as address:
            yield LiveApi(app, address, listener, has_ended, sockets)
    finally:
        await api.inbox_feed.stop()
        await listener.stop()
