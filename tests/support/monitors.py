"""A monitor over a real database, and services for it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import uuid4

from actors.clock import Clock, SystemClock
from actors.monitor.checks.checker import HttpChecker
from actors.monitor.checks.network_probe import NetworkProbe
from actors.monitor.checks.ssrf_guard import EgressPolicy
from actors.monitor.monitor import Monitor, MonitorDependencies
from persistence.database import Pool
from persistence.ids import TenantId
from persistence.monitor import Service
from persistence.secrets import Cipher
from persistence.services import ServiceSpec, create_service
from persistence.watch import Lease, claim_lease, release_lease
from tests.support.api import SECRET
from tests.support.waiting import wait_until as wait_until

CIPHER = Cipher(SECRET)
#: No slot opens by itself while a test runs.
RARELY = "0 0 1 1 *"


@dataclass
class MemoryLines:
    """Keeps the lines in memory."""

    lines: list[dict[str, object]] = field(default_factory=list)

    async def write(self, lines: Sequence[dict[str, object]]) -> None:
        """Keep them."""
        self.lines.extend(lines)


@dataclass
class Watch:
    """A monitor, its lease, and what it wrote into its log."""

    monitor: Monitor
    lines: MemoryLines
    lease: Lease

    async def run_slot(self, slot: datetime) -> None:
        """Run one slot to its end."""
        await self.monitor.open_slot(self.lease, slot)
        await self.monitor.runner.settle()
        await self.monitor.recorder.settle()


def build_monitor(
    pool: Pool,
    *,
    clock: Clock | None = None,
    checker: HttpChecker | None = None,
    cron: str = RARELY,
    lease_term: timedelta = timedelta(seconds=15),
    network: NetworkProbe | None = None,
) -> tuple[Monitor, MemoryLines]:
    """Build one that is not started."""
    lines = MemoryLines()
    dependencies = MonitorDependencies(
        pool,
        checker or HttpChecker(EgressPolicy(), attempts=1),
        CIPHER,
        clock or SystemClock(),
        lines,
        network or NetworkProbe(),
    )
    monitor = Monitor(
        dependencies,
        cron,
        lease_term=lease_term,
        standby_pause_s=0.05,
        spread=timedelta(milliseconds=50),
    )
    return monitor, lines


class CountingEvent(asyncio.Event):
    """Counts how often it was set, and knows whether it is awaited."""

    def __init__(self) -> None:
        super().__init__()
        self.times = 0
        self.is_awaited = False

    def set(self) -> None:
        """Count it."""
        self.times += 1
        super().set()

    async def wait(self) -> Literal[True]:
        """Wait, and let it be known."""
        self.is_awaited = True
        try:
            return await super().wait()
        finally:
            self.is_awaited = False


@asynccontextmanager
async def running_monitor(pool: Pool) -> AsyncIterator[Monitor]:
    """Run a leader whose slots are far away, and which no notification wakes."""
    monitor, _ = build_monitor(pool)
    services = monitor.wakeups.services = CountingEvent()
    await monitor.start()
    # It looks for new services when it begins and when its slot is opened. One that a
    # test makes before that would be checked once more than the test asks for.
    await wait_until(
        lambda: services.times >= 2 and services.is_awaited and not services.is_set()
    )
    assert monitor.is_leader
    try:
        yield monitor
    finally:
        await monitor.stop()


@asynccontextmanager
async def watching(
    pool: Pool,
    *,
    clock: Clock | None = None,
    checker: HttpChecker | None = None,
    cron: str = RARELY,
    network: NetworkProbe | None = None,
) -> AsyncIterator[Watch]:
    """Hold the lease and record, but open slots only as the test says."""
    holder = uuid4()
    monitor, lines = build_monitor(
        pool, clock=clock, checker=checker, cron=cron, network=network
    )
    lease = await claim_lease(pool, holder, timedelta(minutes=5))
    assert lease is not None
    recording = asyncio.create_task(monitor.recorder.run(lease))
    try:
        yield Watch(monitor, lines, lease)
    finally:
        await monitor.runner.stop()
        recording.cancel()
        await asyncio.gather(recording, return_exceptions=True)
        await monitor.stop()
        await release_lease(pool, lease)


async def add_service(
    pool: Pool, tenant_id: TenantId, url: str, name: str = "", **changes: object
) -> Service:
    """Add a service that is asked at `url`; no pause, no cool-down."""
    base, _, path = url.partition("://")[2].partition("/")
    fields: dict[str, object] = {
        "name": name or f"service {uuid4().hex[:8]}",
        "base_url": f"{url.partition('://')[0]}://{base}",
        "health_path": f"/{path}",
        "timeout_s": 30.0,
        "failure_threshold": 1,
        "success_threshold": 1,
        "cooldown_s": 0,
        **changes,
    }
    spec = ServiceSpec(**fields)  # type: ignore[arg-type]
    service = await create_service(pool, CIPHER, tenant_id, spec)
    # As if it had been there always: the slots of tests are anywhere in time.
    await pool.execute("UPDATE services SET enabled_at = '2000-01-01'")
    return service
