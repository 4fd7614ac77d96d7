"""Checks on demand: a row asks the leader, which may be another runtime.

The request's id becomes the result's, so that neither a crash in between nor a second
attempt can store a result twice.
"""

import asyncio
import contextlib
from uuid import uuid4

import structlog

from actors.clock import Clock
from actors.monitor.checks.check_runner import CheckRunner
from actors.monitor.errors import (
    MonitorStandbyError,
    MonitorUnavailableError,
    ServiceGoneError,
)
from actors.tasks import cancel_and_wait, wait_for_signal
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
from persistence.errors import DATABASE_AWAY
from persistence.ids import ResultId, ServiceId
from persistence.monitor import CheckRow
from persistence.watch import Lease, fetch_one_watched

#: A notification may be lost with its connection: then a poll finds the row.
POLL_INTERVAL_S = 2.0

log = structlog.get_logger("monitor")


class Wakeups:
    """Turns NOTIFY payloads into asyncio events.

    An empty payload means that the connection was lost and notifications with it: it
    sets all events.
    """

    def __init__(self) -> None:
        #: Services were created or switched on.
        self.services = asyncio.Event()
        #: A caller of this or another runtime wants a check.
        self.requested = asyncio.Event()
        self._answered = asyncio.Event()

    def on_notify(self, payload: str) -> None:
        """Set the events of a payload."""
        if payload in {"services", ""}:
            self.services.set()
        if payload in {"asked", ""}:
            self.requested.set()
        if payload in {"answered", ""}:
            # All current waiters wake up; later ones wait for the next answer.
            self._answered.set()
            self._answered = asyncio.Event()

    @property
    def answered(self) -> asyncio.Event:
        """The next answer to a request; take it before reading the database."""
        return self._answered


class CheckRequests:
    """Both ends of a check on demand: the caller's and the leader's."""

    def __init__(
        self, pool: Pool, clock: Clock, wakeups: Wakeups, runner: CheckRunner
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._wakeups = wakeups
        self._runner = runner
        self._under_way: dict[ResultId, asyncio.Task[None]] = {}

    async def ask(self, service_id: ServiceId) -> CheckRow:
        """Have the leader check a service, and wait for the stored result.

        Raises:
            MonitorStandbyError: there is no leader.
            MonitorUnavailableError: the leader could not store the result, or the
                database is away.
            ServiceGoneError: there is no such service.
        """
        request = CheckRequest(ResultId(uuid4()), service_id)
        answered = self._wakeups.answered
        try:
            if not await insert_check_request(self._pool, request):
                raise await self._explain(service_id, MonitorStandbyError())
            # The leader may be this process, and then needs no notification.
            self._wakeups.requested.set()
            while True:
                await wait_for_signal(answered, POLL_INTERVAL_S)
                answered = self._wakeups.answered
                row = await fetch_answer(self._pool, request.id)
                row = row or await self._check_progress(request)
                if row is not None:
                    return row
        except DATABASE_AWAY as error:
            raise MonitorUnavailableError from error

    async def _check_progress(self, request: CheckRequest) -> CheckRow | None:
        """Raise why there will be no answer; None while there may be one."""
        progress = await fetch_progress(self._pool, request.id)
        if not progress.waits:
            # The answer is stored before the request is deleted.
            row = await fetch_answer(self._pool, request.id)
            if row is None:
                error = MonitorUnavailableError()
                raise await self._explain(request.service_id, error)
            return row
        if not progress.has_leader:
            await delete_check_request(self._pool, request.id)
            raise MonitorStandbyError
        return None

    async def _explain(
        self,
        service_id: ServiceId,
        otherwise: MonitorStandbyError | MonitorUnavailableError,
    ) -> Exception:
        """Return why a request has no answer."""
        watched = await fetch_one_watched(self._pool, service_id, self._clock.now())
        return ServiceGoneError() if watched is None else otherwise

    async def serve(self, _: Lease) -> None:
        """Run requested checks while this runtime is the leader."""
        # Requests from before we were, or from while the database was away.
        self._wakeups.requested.set()
        try:
            while True:
                await wait_for_signal(self._wakeups.requested, None)
                self._wakeups.requested.clear()
                for request in await fetch_check_requests(self._pool):
                    if request.id not in self._under_way:
                        self._begin(request)
                await delete_old_check_requests(self._pool)
        finally:
            await cancel_and_wait(*self._under_way.values())

    def _begin(self, request: CheckRequest) -> None:
        task = asyncio.create_task(self._check(request))
        self._under_way[request.id] = task
        task.add_done_callback(lambda _: self._under_way.pop(request.id, None))

    async def _check(self, request: CheckRequest) -> None:
        """Check and store; a request that is deleted without a result is refused."""
        pool = self._pool
        try:
            watched, known = await asyncio.gather(
                fetch_one_watched(pool, request.service_id, self._clock.now()),
                # A former leader may have stored the result and stopped then.
                fetch_answer(pool, request.id),
            )
            if watched is not None and known is None:
                with contextlib.suppress(MonitorUnavailableError):
                    await self._runner.check_now(watched, request.id)
                    # A caller in this process need not wait for the notification.
                    self._wakeups.on_notify("answered")
            await delete_check_request(pool, request.id)
        except DATABASE_AWAY as error:
            log.warning("check_request_failed", error=repr(error))
