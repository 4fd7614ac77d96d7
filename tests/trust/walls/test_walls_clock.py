"""A clock that jumps costs no history, and the slots go on when it is back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from actors.clock import SystemClock
from actors.clock_watch import ClockWatch
from actors.monitor.checks.checker import HttpChecker
from actors.monitor.checks.ssrf_guard import EgressPolicy
from actors.monitor.health_log import NAME, HealthLog
from actors.monitor.housekeeping import Housekeeping
from actors.monitor.monitor import Monitor, MonitorDependencies
from persistence.database import Pool
from persistence.ids import TenantId
from persistence.tenants import create_tenant
from persistence.watch import claim_lease, fetch_trusted_now
from tests.support.clock import FakeClock
from tests.support.monitors import (
    CIPHER,
    MemoryLines,
    add_service,
    wait_until,
)
from tests.support.servers.misbehaving_server import (
    MisbehavingServer,
    answer,
    misbehaving_server,
)

FIVE_MINUTES = "*/5 * * * *"
STEP = timedelta(minutes=5)
MONTH = timedelta(days=30)
YEARS = timedelta(days=3650)
#: Not now: PostgreSQL's own clock is the machine's.
START = datetime(2026, 3, 1, 12, 0, 1, tzinfo=UTC)
SLOT = START.replace(second=0)


class SetClock(FakeClock):
    """A wall clock that goes on with the time, and can be set as well."""

    def __init__(self, at: datetime = START) -> None:
        super().__init__(at)
        self._passed = timedelta(0)

    def elapsed(self) -> timedelta:
        """Return the time that has passed, however the clock was set."""
        return self._passed

    def live(self, span: timedelta) -> None:
        """Let time pass."""
        self._passed += span
        self.advance(span)


@pytest.fixture
async def http() -> AsyncIterator[MisbehavingServer]:
    async with misbehaving_server() as server:
        yield server


@pytest.fixture
async def tenant_id(pool: Pool) -> TenantId:
    return (await create_tenant(pool, "shop")).id


@asynccontextmanager
async def leading(
    pool: Pool, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Monitor]:
    """Run a monitor that looks at its clock all the time."""
    monkeypatch.setattr("actors.monitor.monitor.LONGEST_SLEEP_S", 0.01)
    checker = HttpChecker(EgressPolicy(), attempts=1)
    dependencies = MonitorDependencies(pool, checker, CIPHER, clock, MemoryLines())
    monitor = Monitor(
        dependencies,
        FIVE_MINUTES,
        spread=timedelta(milliseconds=1),
        clock_watch=ClockWatch(clock, clock.elapsed),
    )
    await monitor.start()
    try:
        yield monitor
    finally:
        await monitor.stop()


async def rows_of(pool: Pool) -> list[tuple[timedelta | None, bool]]:
    """Return the slots after the first one, and whether they were missed."""
    found = await pool.fetch(
        "SELECT slot_at, missed FROM check_results WHERE slot_at >= $1"
        " OR slot_at IS NULL ORDER BY slot_at NULLS FIRST",
        SLOT,
    )
    return [(None if slot is None else slot - SLOT, missed) for slot, missed in found]


@pytest.mark.parametrize("jump", [YEARS, timedelta(hours=2), timedelta(minutes=40)])
async def test_trust_case_h16_slots_go_on_after_the_clock_came_back(
    pool: Pool,
    http: MisbehavingServer,
    tenant_id: TenantId,
    jump: timedelta,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = SetClock()
    await add_service(pool, tenant_id, http.on("/", answer()))
    async with leading(pool, clock, monkeypatch) as monitor:
        await wait_until(lambda: len(http.requests) == 1)
        await monitor.runner.settle()
        await monitor.recorder.settle()
        clock.advance(jump)
        await wait_until(lambda: len(http.requests) == 2)
        await monitor.runner.settle()
        await monitor.recorder.settle()
        clock.live(timedelta(seconds=8))
        clock.advance(-jump)
        # Until the slots of the time ahead have come by themselves.
        for number in range(1, 10):
            clock.live(STEP)
            await wait_until(lambda: len(http.requests) == 2 + number)  # noqa: B023
            await monitor.runner.settle()
            await monitor.recorder.settle()
    rows = await rows_of(pool)
    # The check of the time ahead is kept outside of the slots; none was missed.
    assert rows == [(None, False), *((STEP * n, False) for n in range(10))]
    ahead = "SELECT count(*) FROM check_results WHERE checked_at > $1"
    assert await pool.fetchval(ahead, clock.now()) == 0
    assert await pool.fetchval("SELECT max(starts_at) FROM check_rollups") < clock.now()


async def add_history(pool: Pool, tenant_id: TenantId, newest: datetime) -> None:
    """Add a result of each of the last twenty days."""
    service = await add_service(pool, tenant_id, "http://192.0.2.1/")
    await pool.execute(
        "INSERT INTO check_results"
        " (id, tenant_id, service_id, checked_at, ok, attempts)"
        " SELECT gen_random_uuid(), $1, $2,"
        " $3::timestamptz - n * interval '1 day', true, 1"
        " FROM generate_series(0, 19) n",
        tenant_id,
        service.id,
        newest,
    )
    await pool.execute(
        "INSERT INTO check_rollups (tenant_id, service_id, unit, starts_at, checks,"
        " passed, excused, latency_sum_ms, buckets, counts)"
        " SELECT $1, $2, 'day', $3::timestamptz - n * interval '1 day', 1, 1, 0, 0,"
        " '{}', '{}'"
        " FROM generate_series(0, 19) n",
        tenant_id,
        service.id,
        newest,
    )


async def count(pool: Pool, table: str) -> int:
    found: int = await pool.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 - ours
    return found


async def test_trust_case_h16_a_clock_that_jumps_deletes_no_history(
    pool: Pool, tenant_id: TenantId
) -> None:
    clock = SetClock(SystemClock().now())
    await add_history(pool, tenant_id, clock.now())
    lease = await claim_lease(pool, uuid4(), timedelta(minutes=1))
    assert lease is not None
    house = Housekeeping(
        pool, clock, MONTH, clock_watch=ClockWatch(clock, clock.elapsed)
    )
    clock.live(timedelta(hours=1))
    await house.prune(lease)
    clock.advance(YEARS)
    for _ in range(3):
        clock.live(timedelta(minutes=1))
        await house.prune(lease)
        await house.prune_rest(lease)
    assert await count(pool, "check_results") == 20
    assert await count(pool, "check_rollups") == 20


async def test_trust_case_h16_a_clock_that_stays_wrong_costs_a_day_in_an_hour(
    pool: Pool, tenant_id: TenantId
) -> None:
    """The bound is the stored rows: also for a process that knows no other time."""
    now = SystemClock().now()
    await add_history(pool, tenant_id, now)
    # The database's clock is right here; in an embedded one both would be wrong.
    assert await fetch_trusted_now(pool, now + YEARS, MONTH) <= now + timedelta(days=1)
    await pool.execute(
        "UPDATE check_results SET checked_at = checked_at - $1::interval", YEARS
    )
    trusted = await fetch_trusted_now(pool, now, MONTH)
    oldest = await pool.fetchval("SELECT min(checked_at) FROM check_results")
    assert trusted - MONTH == oldest + timedelta(days=1)


async def test_trust_case_h16_a_clock_that_jumps_removes_no_log_files(
    tmp_path: Path,
) -> None:
    clock = SetClock()
    written = HealthLog(tmp_path, clock, retention=MONTH, max_bytes=1)
    for _ in range(4):
        await written.write([{"checked_at": clock.now(), "ok": True}])
        clock.live(timedelta(hours=1))
    clock.advance(YEARS)
    for _ in range(2):
        await written.write([{"checked_at": clock.now(), "ok": True}])
        clock.live(timedelta(seconds=4))
    assert len(files_of(tmp_path, "2026")) == 3


def files_of(folder: Path, year: str) -> list[str]:
    return [path.name for path in folder.glob(f"{NAME}.{year}*")]
