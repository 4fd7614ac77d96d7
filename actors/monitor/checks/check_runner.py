"""Runs the checks of slots: spread out, claimed first, one at a time per service."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import uuid4

import structlog

from actors.clock import Clock
from actors.monitor.checks.checker import Checker, Target
from actors.monitor.checks.conditions import parse_conditions
from actors.monitor.checks.network import is_network_lost
from actors.monitor.checks.outcome import FailureKind, Outcome
from actors.monitor.checks.slots import offset_of
from actors.monitor.finding import Finding
from config import metrics
from persistence.database import Pool
from persistence.errors import SecretUnreadableError
from persistence.ids import ResultId, ServiceId, derive_result_id
from persistence.monitor import CheckRow, Service
from persistence.secrets import Cipher
from persistence.services import decrypt_headers
from persistence.watch import Watched, claim_slot

#: Checks that begin within this time are claimed together.
WAVE = timedelta(milliseconds=250)
#: So many at once: as many again for services that were slow the last time, so that
#: they wait for each other and for nobody else.
PLACES = 128
SLOW_PLACES = 64
SLOW_S = 2.0
STILL_RUNNING = "the check before it was still under way"

log = structlog.get_logger("monitor")


class Findings(Protocol):
    """Takes what checks find."""

    def put(self, found: Finding) -> None:
        """Take a result."""
        ...


class SlotEvidence:
    """Holds failures back that may be our own network's, until we know.

    One answer from outside lets all of them go as what they are; the end of the slot
    decides about the rest.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._outcomes: list[Outcome] = []
        self._held: list[Finding] = []
        self._is_proven = False

    def add(self, found: Finding) -> None:
        """Take a finding of this slot."""
        outcome = found.outcome
        if outcome is None:
            self._findings.put(found)
            return
        self._outcomes.append(outcome)
        if outcome.is_outside and not self._is_proven:
            self._is_proven = True
            self._release(is_network_lost=False)
        if outcome.is_doubtful and not self._is_proven:
            self._held.append(found)
        else:
            self._findings.put(found)

    def end(self) -> None:
        """Judge what is held: nothing more is coming."""
        self._release(is_network_lost=is_network_lost(self._outcomes))

    def _release(self, *, is_network_lost: bool) -> None:
        if is_network_lost and self._held:
            log.warning("network_lost", services=len(self._held))
        for found in self._held:
            self._findings.put(
                Finding(
                    id=found.id,
                    watched=found.watched,
                    slot_at=found.slot_at,
                    at=found.at,
                    outcome=found.outcome,
                    is_network_lost=is_network_lost,
                )
            )
        self._held.clear()


class Round:
    """Runs checks, scheduled ones and those that a person asks for."""

    def __init__(
        self,
        pool: Pool,
        checker: Checker,
        cipher: Cipher,
        clock: Clock,
        findings: Findings,
    ) -> None:
        self._pool = pool
        self._checker = checker
        self._cipher = cipher
        self._clock = clock
        self._findings = findings
        self._running: dict[ServiceId, asyncio.Task[Outcome]] = {}
        #: Which slot's check is under way, of services that have one.
        self._slot_of: dict[ServiceId, datetime] = {}
        self._slots: set[asyncio.Task[None]] = set()
        self._slow: set[ServiceId] = set()
        self._semaphore = asyncio.Semaphore(PLACES)
        self._slow_semaphore = asyncio.Semaphore(SLOW_PLACES)

    async def run_slot(
        self, slot: datetime, watched: Sequence[Watched], spread: timedelta
    ) -> None:
        """Begin a slot's checks, each at its moment; returns when all have begun.

        What can't be claimed has been begun by another, and is left alone.
        """
        began = time.monotonic()
        planned = sorted(
            ((offset_of(one.service.id, spread), one) for one in watched),
            key=lambda pair: pair[0],
        )
        evidence = SlotEvidence(self._findings)
        checks: list[asyncio.Task[None]] = []
        while planned:
            until = planned[0][0] + WAVE
            wave = [pair for pair in planned if pair[0] < until]
            planned = planned[len(wave) :]
            # Not claimed anew: the claim that stands tells of the check under way,
            # should it be cut off.
            late = [one for _, one in wave if self._is_late(one, slot)]
            for one in late:
                self._miss(one, slot, evidence)
            ids = [one.service.id for _, one in wave if one not in late]
            claimed = await claim_slot(self._pool, ids, slot)
            for offset, one in wave:
                if one.service.id in claimed:
                    due = began + offset.total_seconds()
                    run = self._check_in_slot(one, slot, evidence, due)
                    checks.append(asyncio.create_task(run))
            if planned:
                next_at = began + planned[0][0].total_seconds()
                await asyncio.sleep(max(next_at - time.monotonic(), 0))
        ending = asyncio.create_task(_end(checks, evidence))
        self._slots.add(ending)
        ending.add_done_callback(self._slots.discard)

    async def settle(self) -> None:
        """Wait for all checks that have begun."""
        while self._slots:
            await asyncio.gather(*self._slots)

    async def stop(self) -> None:
        """Give up what is under way: the next one who watches notes it as missed."""
        tasks = [*self._slots, *self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def check_now(
        self, watched: Watched, result_id: ResultId | None = None
    ) -> CheckRow:
        """Check now, or wait with others for the check that is under way.

        Without an id the result gets one of its own.

        Raises:
            MonitorUnavailableError: the result could not be stored.
        """
        outcome = await self._share(watched.service)
        done: asyncio.Future[CheckRow] = asyncio.get_running_loop().create_future()
        own_id = result_id or ResultId(uuid4())
        now = self._clock.now()
        found = Finding(
            own_id,
            watched,
            None,
            now,
            outcome,
            # Of one check only the system itself can say so.
            is_network_lost=is_network_lost([outcome]),
            done=done,
        )
        self._findings.put(found)
        return await done

    async def _check_in_slot(
        self, watched: Watched, slot: datetime, evidence: SlotEvidence, due: float
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
        evidence.add(Finding(result_id, watched, slot, now, outcome))

    def _is_late(self, watched: Watched, slot: datetime) -> bool:
        """Say whether the check of an earlier slot is still under way."""
        return self._slot_of.get(watched.service.id, slot) != slot

    def _miss(self, watched: Watched, slot: datetime, evidence: SlotEvidence) -> None:
        result_id = derive_result_id(watched.service.id, slot)
        now = self._clock.now()
        evidence.add(Finding(result_id, watched, slot, now, None, STILL_RUNNING))

    async def _share(
        self, service: Service, on_begin: Callable[[], None] | None = None
    ) -> Outcome:
        """Check, or share the outcome of the check that is under way.

        A person may ask while a slot's check runs, or just before it begins.
        """
        task = self._running.get(service.id)
        if task is None:
            task = asyncio.create_task(self._run(service, on_begin))
            self._running[service.id] = task
            task.add_done_callback(lambda _: self._running.pop(service.id, None))
        # Whoever stops waiting stops nobody else's check.
        return await asyncio.shield(task)

    async def _run(
        self, service: Service, on_begin: Callable[[], None] | None
    ) -> Outcome:
        places = self._slow_semaphore if service.id in self._slow else self._semaphore
        async with places:
            if on_begin is not None:
                on_begin()
            began = time.monotonic()
            try:
                target = self._aim(service)
            except SecretUnreadableError as error:
                return Outcome(0, failure=FailureKind.PROTOCOL, error=str(error))
            outcome = await self._checker.check(target)
        took = time.monotonic() - began
        metrics.MONITOR_CHECK_SECONDS.observe(took)
        (self._slow.add if took > SLOW_S else self._slow.discard)(service.id)
        return outcome

    def _aim(self, service: Service) -> Target:
        return Target(
            url=service.url,
            method=service.method,
            headers=decrypt_headers(self._cipher, service),
            body=service.body,
            timeout_s=service.timeout_s,
            expected_status=frozenset(service.expected_status),
            conditions=parse_conditions(service.conditions),
        )


async def _end(checks: Sequence["asyncio.Task[None]"], evidence: SlotEvidence) -> None:
    results = await asyncio.gather(*checks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            log.error("check_crashed", exc_info=result)
    evidence.end()


def _note_lateness(due: float) -> None:
    metrics.MONITOR_LATENESS.observe(max(time.monotonic() - due, 0.0))
