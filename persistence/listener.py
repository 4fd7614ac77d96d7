"""Hears PostgreSQL's notifications, and says so when some may have been missed."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta

import asyncpg
import structlog

#: What a callback gets after a reconnect: anything may have happened meanwhile.
MISSED = ""
FIRST_PAUSE = timedelta(milliseconds=100)
#: A database that restarts is back within seconds; more often would only make noise.
LONGEST_PAUSE = timedelta(seconds=5)
#: A link that died without a word is noticed after this long.
HEARTBEAT = timedelta(seconds=15)
#: An answer that takes longer will not come.
TIMEOUT = timedelta(seconds=5)

Callback = Callable[[str], None]

log = structlog.get_logger("listener")


class Listener:
    """One connection that listens on several channels and comes back by itself."""

    def __init__(
        self,
        dsn: str,
        *,
        heartbeat: timedelta = HEARTBEAT,
        timeout: timedelta = TIMEOUT,
    ) -> None:
        self._dsn = dsn
        self._heartbeat = heartbeat
        self._timeout_s = timeout.total_seconds()
        self._callbacks: defaultdict[str, list[Callback]] = defaultdict(list)
        self._link: asyncpg.Connection[asyncpg.Record] | None = None
        self._lost = asyncio.Event()
        self._stopping = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    def on(self, channel: str, callback: Callback) -> None:
        """Have `callback` called with each payload. Only before `start`."""
        self._callbacks[channel].append(callback)

    @property
    def is_listening(self) -> bool:
        """Whether the connection stands, as far as we know."""
        return self._link is not None and not self._lost.is_set()

    async def start(self) -> None:
        """Connect and listen.

        Raises:
            OSError: nobody answers; or asyncpg.PostgresError: the database said no.
        """
        await self._connect()
        self._keeper = asyncio.create_task(self._keep(), name="listener")

    async def stop(self) -> None:
        """Close the connection; no callback is called after this."""
        self._stopping.set()
        self._lost.set()
        if self._keeper is not None:
            await self._keeper
            self._keeper = None
        await self._drop()

    async def _connect(self) -> None:
        link = await asyncpg.connect(self._dsn, timeout=self._timeout_s)
        lost = asyncio.Event()
        try:
            link.add_termination_listener(lambda _link: lost.set())
            for channel in self._callbacks:
                await link.add_listener(channel, self._hear)
        except BaseException:
            link.terminate()
            raise
        # Each connection has its own event: a late word about the one before can't
        # end this one.
        self._link, self._lost = link, lost

    def _hear(self, _link: object, _pid: int, channel: str, payload: object) -> None:
        if not self._stopping.is_set():
            self._call(channel, str(payload))

    def _call(self, channel: str, payload: str) -> None:
        for callback in self._callbacks[channel]:
            try:
                callback(payload)
            except Exception:
                # One deaf subscriber must not silence the others.
                log.exception("listener_callback_failed", channel=channel)

    async def _keep(self) -> None:
        """Reconnect whenever the connection is lost, until stopped."""
        while not self._stopping.is_set():
            await self._watch()
            if self._stopping.is_set():
                return
            log.warning("listener_lost")
            await self._drop()
            if await self._reconnect() and not self._stopping.is_set():
                log.info("listener_back")
                for channel in self._callbacks:
                    self._call(channel, MISSED)

    async def _watch(self) -> None:
        """Return when the connection is lost or the listener is to stop."""
        while not self._lost.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(
                    self._lost.wait(), self._heartbeat.total_seconds()
                )
                return
            if not await self._is_alive():
                return

    async def _is_alive(self) -> bool:
        if self._link is None:
            return False
        try:
            await self._link.execute("SELECT 1", timeout=self._timeout_s)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            return False
        return True

    async def _reconnect(self) -> bool:
        """Try until it works, with growing pauses; False when told to stop."""
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            try:
                await self._connect()
            except (
                asyncpg.PostgresError,
                asyncpg.InterfaceError,
                OSError,
                TimeoutError,
            ) as error:
                log.warning("listener_cannot_connect", reason=repr(error))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), pause.total_seconds())
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                return True
        return False

    async def _drop(self) -> None:
        link, self._link = self._link, None
        if link is None:
            return
        try:
            await link.close(timeout=1.0)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            link.terminate()
