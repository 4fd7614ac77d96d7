"""Runs the checks of a slot: spread over time, claimed first, one per service."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from actors.clock import Clock
from actors.fair_semaphore import FairSemaphore
from actors.monitor.checks.addresses import split_origin
from actors.monitor.checks.checker import (
    HttpChecker,
    Target,
    build_broken_outcome,
)
from actors.monitor.checks.conditions import parse_conditions
from actors.monitor.checks.network_probe import NetworkProbe
from actors.monitor.checks.outcome import FailureKind, Outcome
from actors.monitor.checks.slots import offset_of
from actors.monitor.finding import Finding
from actors.tasks import SingleFlight, cancel_and_wait
from config import metrics
from persistence.database import Pool
from persistence.errors import SecretUnreadableError
from persistence.ids import ResultId, ServiceId, derive_result_id
from persistence.monitor import CheckRow, Origin, Service
from persistence.secrets import Cipher
from persistence.services import decrypt_headers
from persistence.watch import Watched, claim_slot

#: Checks that start within this time are claimed together.
WAVE = timedelta(milliseconds=250)
#: Checks at a time, of which one tenant has two thirds at most. Services that were slow
#: the last time share places of their own, so that they delay only each other.
MAX_CHECKS = 192
MAX_SLOW_CHECKS = 96
SPARE_PART = 3
#: Each place is held for as long as a service hangs: with a small share more tenants
#: find one at once.
CHECK_SHARE = 4
SLOW_S = 2.0
STILL_RUNNING = "the previous check was still running"

log = structlog.get_logger("monitor")


class OutageCorrelator:
    """Holds back a slot's failures that our own network may have caused.

    Only evidence of our own makes it so: no route, or addresses that no tenant chose
    and that answered before. An answer from outside proves the network. How many hosts
    fail says nothing: they may all be one tenant's, or one machine.
    """

    def __init__(self, put: Callable[[Finding], None], network: NetworkProbe) -> None:
        self._put = put
        self._network = network
        self._held: list[Finding] = []
        self._is_proven = False
        self._asking: asyncio.Task[None] | None = None

    def add(self, finding: Finding) -> None:
        """Take a finding of this slot."""
        outcome = finding.outcome
        if outcome is not None and outcome.is_outside and not self._is_proven:
            self._is_proven = True
            self._release(is_network_lost=False)
        if outcome is None or not outcome.is_doubtful or self._is_proven:
            self._put(finding)
            return
        self._held.append(finding)
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())

    async def end(self) -> None:
        """Decide about what is held back: the slot is complete."""
        if self._asking is not None:
            await self._asking
        if self._held:
            await self._ask()

    async def _ask(self) -> None:
        is_lost = await self._network.is_lost()
        self._release(is_network_lost=is_lost)

    def _release(self, *, is_network_lost: bool) -> None:
        held, self._held = self._held, []
        lost = 0
        for finding in held:
            is_lost = is_network_lost or (
                not self._is_proven and _has_no_route(finding)
            )
            lost += is_lost
            self._put(replace(finding, is_network_lost=is_lost))
        if lost:
            log.warning("network_lost", services=lost)


class CheckRunner:
    """Runs scheduled checks and checks on demand."""

    def __init__(
        self,
        pool: Pool,
        checker: HttpChecker,
        cipher: Cipher,
        clock: Clock,
        put: Callable[[Finding], None],
        network: NetworkProbe | None = None,
    ) -> None:
        self._pool = pool
        self._network = network or NetworkProbe()
        self._checker = checker
        self._cipher = cipher
        self._clock = clock
        self._put = put
        self._running: SingleFlight[ServiceId, Outcome] = SingleFlight()
        #: Services whose check of a slot is under way.
        self._slot_of: dict[ServiceId, datetime] = {}
        self._slots: set[asyncio.Task[None]] = set()
        self._slow: set[ServiceId] = set()
        self._places = _build_places(MAX_CHECKS)
        self._slow_places = _build_places(MAX_SLOW_CHECKS)

    async def run_slot(
        self, slot: datetime, watched: Sequence[Watched], spread: timedelta
    ) -> None:
        """Start a slot's checks, each at its moment; return when all have started.

        A service that can't be claimed is checked by another runtime.
        """
        began = time.monotonic()
        planned = sorted(
            ((offset_of(one.service.id, spread), one) for one in watched),
            key=lambda pair: pair[0],
        )
        correlator = OutageCorrelator(self._put, self._network)
        refresh = asyncio.create_task(self._network.refresh())
        self._slots.add(refresh)
        refresh.add_done_callback(self._slots.discard)
        checks: list[asyncio.Task[None]] = []
        while planned:
            until = planned[0][0] + WAVE
            wave = [pair for pair in planned if pair[0] < until]
            planned = planned[len(wave) :]
            # Not claimed again: the standing claim marks the check under way as missed
            # if a crash cuts it off.
            late = [one for _, one in wave if self._is_late(one, slot)]
            for one in late:
                self._miss(one, slot, correlator)
            ids = [one.service.id for _, one in wave if one not in late]
            claimed = await claim_slot(self._pool, ids, slot)
            for offset, one in wave:
                if one.service.id in claimed:
                    due = began + offset.total_seconds()
                    run = self._check_in_slot(one, slot, correlator, due)
                    checks.append(asyncio.create_task(run))
            if planned:
                next_at = began + planned[0][0].total_seconds()
                await asyncio.sleep(max(next_at - time.monotonic(), 0))
        ending = asyncio.create_task(_end(checks, correlator))
        self._slots.add(ending)
        ending.add_done_callback(self._slots.discard)

    async def settle(self) -> None:
        """Wait for all checks that have started."""
        while self._slots:
            await asyncio.gather(*self._slots)

    async def stop(self) -> None:
        """Cancel checks under way: the next leader records them as missed."""
        await cancel_and_wait(*self._slots)
        await self._running.stop()

    async def check_now(self, watched: Watched, result_id: ResultId) -> CheckRow:
        """Check now, or share the check that is under way.

        Raises:
            MonitorUnavailableError: the result could not be stored.
        """
        outcome = await self._share(watched.service)
        done: asyncio.Future[CheckRow] = asyncio.get_running_loop().create_future()
        finding = Finding(
            result_id,
            watched,
            None,
            self._clock.now(),
            outcome,
            done=done,
        )
        if outcome.is_doubtful:
            is_lost = _has_no_route(finding) or await self._network.is_lost()
            finding = replace(finding, is_network_lost=is_lost)
        self._put(finding)
        return await done

    async def _check_in_slot(
        self, watched: Watched, slot: datetime, correlator: OutageCorrelator, due: float
    ) -> None:
        await asyncio.sleep(max(due - time.monotonic(), 0))
        service = watched.service
        self._slot_of[service.id] = slot
        try:
            outcome = await self._share(service, lambda: _note_lateness(due))
        finally:
            del self._slot_of[service.id]
        now = self._clock.now()
        result_id = derive_result_id(service.id, slot)
        correlator.add(Finding(result_id, watched, slot, now, outcome))

    def _is_late(self, watched: Watched, slot: datetime) -> bool:
        """True if the check of an earlier slot is still under way."""
        return self._slot_of.get(watched.service.id, slot) != slot

    def _miss(
        self, watched: Watched, slot: datetime, correlator: OutageCorrelator
    ) -> None:
        result_id = derive_result_id(watched.service.id, slot)
        now = self._clock.now()
        correlator.add(Finding(result_id, watched, slot, now, None, STILL_RUNNING))

    async def _share(
        self, service: Service, on_begin: Callable[[], None] | None = None
    ) -> Outcome:
        """Check, or share the outcome of a check on demand that is under way."""
        return await self._running.run(service.id, lambda: self._run(service, on_begin))

    async def _run(
        self, service: Service, on_begin: Callable[[], None] | None
    ) -> Outcome:
        is_slow = service.id in self._slow
        places = self._slow_places if is_slow else self._places
        async with places.place(service.tenant_id):
            if on_begin is not None:
                on_begin()
            began = time.monotonic()
            outcome = await self._check(service)
        took = time.monotonic() - began
        metrics.MONITOR_CHECK_SECONDS.observe(took)
        (self._slow.add if took > SLOW_S else self._slow.discard)(service.id)
        return outcome

    async def _check(self, service: Service) -> Outcome:
        """Check; whatever goes wrong is this service's failure, and no other's."""
        try:
            return await self._checker.check(self._build_target(service))
        except SecretUnreadableError as error:
            return Outcome(0, failure=FailureKind.PROTOCOL, error=str(error))
        except Exception:
            log.exception("check_failed_unexpectedly", service_id=str(service.id))
            return build_broken_outcome()

    def _build_target(self, service: Service) -> Target:
        is_ours = service.origin is not Origin.USER
        return Target(
            # The runtime chose the address of such a service, not a tenant.
            exempt=split_origin(service.base_url)[1:] if is_ours else None,
            url=service.url,
            method=service.method,
            headers=decrypt_headers(self._cipher, service),
            body=service.body,
            timeout_s=service.timeout_s,
            expected_status=frozenset(service.expected_status),
            conditions=parse_conditions(service.conditions),
        )


def _build_places(places: int) -> FairSemaphore:
    # A service waits once at most, and services have a quota: nothing is refused here.
    return FairSemaphore(
        places, share=CHECK_SHARE, spare=places // SPARE_PART, max_waiting=None
    )


async def _end(
    checks: Sequence["asyncio.Task[None]"], correlator: OutageCorrelator
) -> None:
    results = await asyncio.gather(*checks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            log.error("check_crashed", exc_info=result)
    await correlator.end()


def _note_lateness(due: float) -> None:
    metrics.MONITOR_LATENESS.observe(max(time.monotonic() - due, 0.0))


def _has_no_route(finding: Finding) -> bool:
    outcome = finding.outcome
    return outcome is not None and outcome.failure is FailureKind.OFFLINE
