"""The listener on a real PostgreSQL: it hears, and it comes back."""

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from persistence.database import Pool
from persistence.listener import MISSED, Listener


class Ear:
    """Keeps what was heard; `hear` is the callback."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[str] = asyncio.Queue()

    def hear(self, payload: str) -> None:
        """Keep a payload."""
        self.heard.put_nowait(payload)


@pytest.fixture
async def ear(dsn: str) -> AsyncIterator[Ear]:
    ear = Ear()
    listener = Listener(dsn)
    listener.on("pilito_messages", ear.hear)
    listener.on("pilito_channels", ear.hear)
    await listener.start()
    yield ear
    await listener.stop()


class Relay:
    """Stands between clients and the server, and can swallow what goes through."""

    def __init__(self, folder: Path, dsn: str) -> None:
        self.path = folder / ".s.PGSQL.5432"
        self.dsn = re.sub(r"(?<=host=)[^&]+", str(folder), dsn)
        found = re.search(r"host=([^&]+)", dsn)
        assert found is not None
        self._target = Path(found[1]) / self.path.name
        self._gates: list[asyncio.Event] = []
        self.pumps: set[asyncio.Task[None]] = set()

    def freeze(self) -> None:
        """Let nothing more through the connections that there are."""
        for gate in self._gates:
            gate.clear()

    async def on_connect(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Connect through to the server."""
        there, back = await asyncio.open_unix_connection(self._target)
        gate = asyncio.Event()
        gate.set()
        self._gates.append(gate)
        for source, target in ((reader, back), (there, writer)):
            self.pumps.add(asyncio.create_task(pump(source, target, gate)))


async def pump(
    source: asyncio.StreamReader, target: asyncio.StreamWriter, gate: asyncio.Event
) -> None:
    try:
        while data := await source.read(65536):
            await gate.wait()
            target.write(data)
    finally:
        target.close()


@asynccontextmanager
async def relaying(dsn: str) -> AsyncIterator[Relay]:
    with tempfile.TemporaryDirectory(prefix="relay-") as folder:
        relay = Relay(Path(folder), dsn)
        server = await asyncio.start_unix_server(relay.on_connect, relay.path)
        yield relay
        server.close()
        for task in relay.pumps:
            task.cancel()
        await asyncio.gather(*relay.pumps, return_exceptions=True)


async def notify(pool: Pool, channel: str, payload: str) -> None:
    await pool.execute("SELECT pg_notify($1, $2)", channel, payload)


async def cut_listeners(pool: Pool) -> None:
    await pool.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database()"
        " AND query LIKE 'LISTEN%'"
    )


async def test_payloads_arrive_in_order(pool: Pool, ear: Ear) -> None:
    await notify(pool, "pilito_messages", "0:1:3")
    await notify(pool, "pilito_channels", "x")
    await notify(pool, "somewhere_else", "not for us")
    await notify(pool, "pilito_messages", "0:4:4")
    assert [await ear.heard.get() for _ in range(3)] == ["0:1:3", "x", "0:4:4"]


async def test_a_lost_connection_is_made_anew_and_told_of(pool: Pool, ear: Ear) -> None:
    await cut_listeners(pool)
    assert [await ear.heard.get() for _ in range(2)] == [MISSED, MISSED]
    await notify(pool, "pilito_messages", "0:5:5")
    assert await ear.heard.get() == "0:5:5"


async def test_one_failing_callback_does_not_silence_the_others(
    pool: Pool, dsn: str
) -> None:
    def fail(payload: str) -> None:
        raise ValueError(payload)

    ear, listener = Ear(), Listener(dsn)
    listener.on("pilito_messages", fail)
    listener.on("pilito_messages", ear.hear)
    await listener.start()
    await notify(pool, "pilito_messages", "0:1:1")
    assert await ear.heard.get() == "0:1:1"
    await listener.stop()


async def test_a_link_that_died_silently_is_found_by_the_heartbeat(
    pool: Pool, dsn: str
) -> None:
    moment = timedelta(milliseconds=100)
    async with relaying(dsn) as relay:
        ear = Ear()
        listener = Listener(relay.dsn, heartbeat=moment, timeout=moment * 20)
        listener.on("pilito_messages", ear.hear)
        await listener.start()
        relay.freeze()
        assert await ear.heard.get() == MISSED
        await notify(pool, "pilito_messages", "0:2:2")
        # On a machine that stops at times even a link that lives may seem dead.
        while (heard := await ear.heard.get()) == MISSED:
            pass
        assert heard == "0:2:2"
        await listener.stop()


async def test_a_database_that_is_not_there_stops_the_start() -> None:
    listener = Listener("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(OSError, match="1"):
        await listener.start()
    await listener.stop()


async def test_stopping_while_the_database_is_away_does_not_wait(dsn: str) -> None:
    async with relaying(dsn) as relay:
        listener = Listener(relay.dsn)
        listener.on("pilito_messages", Ear().hear)
        await listener.start()
    async with asyncio.timeout(30):
        await listener.stop()
