"""Checks on demand between runtimes: who does not watch asks the one that does.

The request's id becomes the result's, so that neither a crash in between nor asking
again can store a result twice.
"""

import asyncio
import contextlib
from uuid import uuid4

import asyncpg
import structlog

from actors.clock import Clock
from actors.monitor.checks.check_runner import Round
from actors.monitor.errors import (
    MonitorStandbyError,
    MonitorUnavailableError,
    ServiceGoneError,
)
from actors.monitor.wakeups import Bell
from persistence.check_requests import (
    CheckRequest,
    delete_check_request,
    delete_old_check_requests,
    fetch_answer,
    fetch_check_requests,
    fetch_progress,
    insert_check_request,
)
from persistence.database import Pool
from persistence.ids import ResultId, ServiceId
from persistence.monitor import CheckRow
from persistence.watch import Lease, fetch_one_watched

#: A ring may be lost with its connection: then one looks after this.
POLL_INTERVAL_S = 2.0

log = structlog.get_logger("monitor")


class Requests:
    """Both ends of a check that is asked for elsewhere."""

    def __init__(self, pool: Pool, clock: Clock, bell: Bell, checks: Round) -> None:
        self._pool = pool
        self._clock = clock
        self._bell = bell
        self._round = checks
        self._under_way: dict[ResultId, asyncio.Task[None]] = {}

    async def ask(self, service_id: ServiceId) -> CheckRow:
        """Have the one who watches check a service, and wait for the result.

        Raises:
            MonitorStandbyError: nobody watches.
            MonitorUnavailableError: the one who watches could not store it.
            ServiceGoneError: there is no such service.
        """
        request = CheckRequest(ResultId(uuid4()), service_id)
        if not await insert_check_request(self._pool, request):
            await self._explain(service_id, MonitorStandbyError())
        while True:
            answered = self._bell.answered
            progress = await fetch_progress(self._pool, request.id)
            row = await fetch_answer(self._pool, request.id)
            if row is not None:
                return row
            if not progress.waits:
                await self._explain(service_id, MonitorUnavailableError())
            if not progress.is_watched:
                await delete_check_request(self._pool, request.id)
                raise MonitorStandbyError
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_INTERVAL_S):
                    await answered.wait()

    async def serve(self, _: Lease) -> None:
        """Check what others ask for, for as long as this runtime watches."""
        # What was asked before we watched, or while the database was away.
        self._bell.asked.set()
        try:
            while True:
                await self._bell.asked.wait()
                self._bell.asked.clear()
                await delete_old_check_requests(self._pool)
                for request in await fetch_check_requests(self._pool):
                    if request.id not in self._under_way:
                        self._begin(request)
        finally:
            for task in tuple(self._under_way.values()):
                task.cancel()

    async def _explain(
        self,
        service_id: ServiceId,
        otherwise: MonitorStandbyError | MonitorUnavailableError,
    ) -> None:
        """Raise what is true of a request that nobody has answered."""
        watched = await fetch_one_watched(self._pool, service_id, self._clock.now())
        raise ServiceGoneError if watched is None else otherwise

    def _begin(self, request: CheckRequest) -> None:
        task = asyncio.create_task(self._check(request))
        self._under_way[request.id] = task
        task.add_done_callback(lambda _: self._under_way.pop(request.id, None))

    async def _check(self, request: CheckRequest) -> None:
        """Check and store; a request that is taken away without a result is refused."""
        pool = self._pool
        try:
            watched = await fetch_one_watched(
                pool, request.service_id, self._clock.now()
            )
            # Who watched before may have stored it and come no further.
            known = await fetch_answer(pool, request.id)
            if watched is not None and known is None:
                with contextlib.suppress(MonitorUnavailableError):
                    await self._round.check_now(watched, request.id)
            await delete_check_request(pool, request.id)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            log.warning("request_not_served", error=repr(error))
