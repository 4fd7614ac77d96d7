"""Watches whether another runtime has taken the database over."""

import asyncio
import contextlib
from datetime import timedelta
from threading import Event, Thread
from uuid import UUID

import asyncpg
import structlog

from deployments.runtime.errors import RuntimeReplacedError
from persistence.database import prepare_connection
from persistence.errors import DATABASE_AWAY
from persistence.runtime_terms import Term, fetch_successor

INTERVAL = timedelta(seconds=2)
#: A database that does not answer says nothing about successors.
TIMEOUT = timedelta(seconds=10)

log = structlog.get_logger("runtime")


class TermWatch:
    """Asks the database in a thread of its own, over one connection."""

    def __init__(self, dsn: str, term_id: UUID) -> None:
        self._dsn = dsn
        self._term_id = term_id
        self._successor: Term | None = None
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="term-watch", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End the watch; a question under way is left to itself."""
        self._stopped.set()

    @property
    def is_over(self) -> bool:
        """Whether another runtime has begun here."""
        return self._successor is not None

    def check(self) -> None:
        """Raise RuntimeReplacedError once another runtime has begun here."""
        if self._successor is not None:
            raise RuntimeReplacedError.by(self._successor.began_at)

    def _run(self) -> None:
        asyncio.run(self._watch())

    async def _watch(self) -> None:
        while not self._stopped.is_set() and self._successor is None:
            try:
                await self._ask_until_lost()
            except DATABASE_AWAY as error:
                log.warning("term_not_read", error=repr(error))
            except Exception:
                log.exception("term_not_read")
            await asyncio.sleep(INTERVAL.total_seconds())

    async def _ask_until_lost(self) -> None:
        timeout_s = TIMEOUT.total_seconds()
        connection = await asyncpg.connect(
            self._dsn, timeout=timeout_s, command_timeout=timeout_s
        )
        try:
            await prepare_connection(connection)
            while not self._stopped.is_set() and self._successor is None:
                self._successor = await fetch_successor(connection, self._term_id)
                await asyncio.sleep(INTERVAL.total_seconds())
        finally:
            with contextlib.suppress(Exception):
                await connection.close(timeout=1)
