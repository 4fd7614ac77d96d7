"""LISTEN connection that reconnects and reports when notifications may be missing."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta

import asyncpg
import structlog

from persistence.errors import DATABASE_AWAY

#: The payload after a reconnect: anything may have happened meanwhile.
MISSED = ""
FIRST_PAUSE = timedelta(milliseconds=100)
#: A database that restarts is back within seconds; more attempts would only make noise.
LONGEST_PAUSE = timedelta(seconds=5)
#: A connection that died silently is noticed after this long.
HEARTBEAT = timedelta(seconds=15)
#: An answer that takes longer will not come.
TIMEOUT = timedelta(seconds=5)

Callback = Callable[[str], None]

log = structlog.get_logger("listener")


class Listener:
    """One connection that listens on several channels."""

    def __init__(
        self,
        dsn: str,
        *,
        heartbeat: timedelta = HEARTBEAT,
        timeout: timedelta = TIMEOUT,
    ) -> None:
        self._dsn = dsn
        self._heartbeat_s = heartbeat.total_seconds()
        self._timeout_s = timeout.total_seconds()
        self._callbacks: defaultdict[str, list[Callback]] = defaultdict(list)
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._lost = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    def on(self, channel: str, callback: Callback) -> None:
        """Have `callback` called with each payload. Only before `start`."""
        self._callbacks[channel].append(callback)

    async def start(self) -> None:
        """Connect and listen.

        Raises:
            OSError: nobody answers; or asyncpg.PostgresError: the database refused us.
        """
        await self._connect()
        self._keeper = asyncio.create_task(self._keep_connected(), name="listener")

    async def stop(self) -> None:
        """Close the connection; no callback is called after this."""
        self._callbacks.clear()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        await self._disconnect()

    async def _connect(self) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=self._timeout_s)
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            for channel in tuple(self._callbacks):
                await connection.add_listener(channel, self._on_notify)
        except BaseException:
            connection.terminate()
            raise
        # Each connection has its own event: a late termination of the one before can't
        # end this one.
        self._connection, self._lost = connection, lost

    def _on_notify(self, _: object, _pid: int, channel: str, payload: object) -> None:
        self._call(channel, str(payload))

    def _call(self, channel: str, payload: str) -> None:
        for callback in self._callbacks.get(channel, ()):
            try:
                callback(payload)
            except Exception:
                # The other callbacks must be called all the same.
                log.exception("listener_callback_failed", channel=channel)

    async def _keep_connected(self) -> None:
        """Reconnect whenever the connection is lost, until cancelled."""
        while True:
            await self._wait_for_loss()
            log.warning("listener_lost")
            await self._disconnect()
            await self._reconnect()
            log.info("listener_back")
            for channel in tuple(self._callbacks):
                self._call(channel, MISSED)

    async def _wait_for_loss(self) -> None:
        while True:
            # Not `asyncio.wait_for`: Python 3.11's may lose a cancellation.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._heartbeat_s):
                    await self._lost.wait()
                return
            if not await self._is_alive():
                return

    async def _is_alive(self) -> bool:
        if self._connection is None:
            return False
        try:
            await self._connection.execute("SELECT 1", timeout=self._timeout_s)
        except DATABASE_AWAY:
            return False
        return True

    async def _reconnect(self) -> None:
        """Try until it works, with growing pauses."""
        pause = FIRST_PAUSE
        while True:
            try:
                await self._connect()
            except DATABASE_AWAY as error:
                log.warning("listener_cannot_connect", reason=repr(error))
            except Exception:
                # Whoever may not connect now may be allowed to later.
                log.exception("listener_refused")
            else:
                return
            await asyncio.sleep(pause.total_seconds())
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            await connection.close(timeout=1.0)
        except DATABASE_AWAY:
            connection.terminate()
