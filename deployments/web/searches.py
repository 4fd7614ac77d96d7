"""Searches of long lists: a few at once, with connections and a limit of their own.

A search reads a tenant's whole list. On the connections of the others a few of them
would leave none for signing in.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import asyncpg

from actors.fair_semaphore import FairSemaphore
from deployments.web.api.errors import SearchTooWideError
from persistence.database import Connection, Pool
from persistence.ids import TenantId

#: Connections that nothing but searches uses.
MAX_SEARCHES = 2
#: A person waits; what takes longer is too wide.
STATEMENT_TIMEOUT = timedelta(seconds=3)
#: A tenant's further searches wait for its first, and not for long.
PLACE_TIMEOUT_S = 10.0
MAX_WAITING = 20

Found = TypeVar("Found")


class Searches:
    """Runs searches: one of a tenant at a time while there are two places."""

    def __init__(
        self, pool: Pool, *, statement_timeout: timedelta = STATEMENT_TIMEOUT
    ) -> None:
        self._pool = pool
        self._timeout_ms = int(statement_timeout.total_seconds() * 1000)
        self._places = FairSemaphore(
            MAX_SEARCHES, share=1, spare=1, max_waiting=MAX_WAITING
        )

    async def run(
        self,
        tenant_id: TenantId,
        search: Callable[[Connection], Awaitable[Found]],
    ) -> Found:
        """Run a search.

        Raises:
            SearchTooWideError: a statement of it took too long.
            TooManyWaitingError: too many searches of this tenant wait already.
        """
        try:
            async with asyncio.timeout(PLACE_TIMEOUT_S):
                await self._places.acquire(tenant_id)
        except TimeoutError as error:
            raise SearchTooWideError from error
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(
                    f"SET LOCAL statement_timeout = {self._timeout_ms}"
                )
                return await search(connection)
        except asyncpg.QueryCanceledError as error:
            raise SearchTooWideError from error
        finally:
            self._places.release(tenant_id)
