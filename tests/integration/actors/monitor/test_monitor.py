"""The monitor over a real database and real servers: slots, claims, crashes."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from actors.clock import SystemClock
from actors.monitor.checks.check_runner import STILL_RUNNING
from actors.monitor.checks.checker import HttpChecker
from actors.monitor.checks.slots import slot_at
from actors.monitor.checks.ssrf_guard import EgressPolicy
from actors.monitor.errors import ServiceGoneError
from actors.monitor.monitor import NO_LEADER, UNFINISHED
from persistence.check_results import fetch_summary, fetch_windows
from persistence.database import Pool
from persistence.ids import ResultId, ServiceId, TenantId
from persistence.monitor import Period, Status
from persistence.queries import load_queries
from persistence.rollups import refresh_windows
from persistence.tenants import create_tenant
from persistence.watch import (
    LeaseLostError,
    Watched,
    claim_lease,
    fetch_one_watched,
    fetch_watched,
    renew_lease,
)
from tests.support.monitors import add_service, build_monitor, wait_until, watching
from tests.support.servers.misbehaving_server import (
    MisbehavingServer,
    Request,
    answer,
    hang,
    misbehaving_server,
)

SLOT = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVERY_MINUTE = "* * * * *"


@pytest.fixture
async def http() -> AsyncIterator[MisbehavingServer]:
    async with misbehaving_server() as server:
        yield server


@pytest.fixture
async def tenant_id(pool: Pool) -> TenantId:
    return (await create_tenant(pool, "shop")).id


async def test_a_slot_checks_each_service_and_stores_what_it_found(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    good = await add_service(pool, tenant_id, http.on("/good", answer()), "good")
    bad = await add_service(pool, tenant_id, http.on("/bad", answer(500)), "bad")
    async with watching(pool) as watch:
        await watch.run_slot(SLOT)
        rows = await pool.fetch("SELECT * FROM check_results ORDER BY ok")
        assert [(row["service_id"], row["ok"], row["status_code"]) for row in rows] == [
            (bad.id, False, 500),
            (good.id, True, 200),
        ]
        assert all(row["slot_at"] == SLOT for row in rows)
        summary = {one.name: one.status for one in await fetch_summary(pool, tenant_id)}
        assert summary == {"bad": Status.DOWN, "good": Status.UP}
        assert [row["new"] for row in await changes(pool, bad.id)] == ["down"]
        assert {line["service"] for line in watch.lines.lines} == {"good", "bad"}


async def changes(pool: Pool, service_id: ServiceId) -> list[dict[str, str]]:
    rows = await pool.fetch(
        "SELECT old, new FROM service_transitions WHERE service_id = $1 ORDER BY at",
        service_id,
    )
    return [dict(row) for row in rows]


async def test_a_slot_that_is_opened_again_checks_nothing_twice(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    await add_service(pool, tenant_id, http.on("/", answer()))
    async with watching(pool) as watch:
        await watch.run_slot(SLOT)
        await watch.run_slot(SLOT)
    assert len(http.requests) == 1
    assert await pool.fetchval("SELECT count(*) FROM check_results") == 1


async def test_two_runtimes_never_check_a_service_twice_in_a_slot(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    """Even if both believe that they watch: the claim decides, not the lease."""
    for number in range(20):
        await add_service(pool, tenant_id, http.on(f"/{number}", answer()))
    first, _ = build_monitor(pool)
    second, _ = build_monitor(pool)
    lease = await claim_lease(pool, uuid4(), timedelta(minutes=1))
    assert lease is not None
    await asyncio.gather(first.open_slot(lease, SLOT), second.open_slot(lease, SLOT))
    await asyncio.gather(first.runner.settle(), second.runner.settle())
    assert len(http.requests) == len({request.path for request in http.requests}) == 20
    await first.stop()
    await second.stop()


async def test_only_one_runtime_leads_and_another_takes_over(pool: Pool) -> None:
    first, _ = build_monitor(pool)
    second, _ = build_monitor(pool)
    await first.start()
    await wait_until(lambda: first.is_leader)
    await second.start()
    assert not second.is_leader
    await first.stop()
    await wait_until(lambda: second.is_leader)
    await second.stop()


async def test_a_runtime_that_lost_the_lease_writes_nothing(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    await add_service(pool, tenant_id, http.on("/", answer()))
    monitor, _ = build_monitor(pool)
    holder = uuid4()
    old = await claim_lease(pool, holder, timedelta(minutes=1))
    new = await claim_lease(pool, holder, timedelta(minutes=1))
    assert old is not None
    assert new is not None
    await monitor.runner.run_slot(SLOT, await fetch_all(pool), timedelta(0))
    await monitor.runner.settle()
    with pytest.raises(LeaseLostError):
        await monitor.recorder.run(old)
    with pytest.raises(LeaseLostError):
        await renew_lease(pool, old, timedelta(minutes=1))
    assert await pool.fetchval("SELECT count(*) FROM check_results") == 0
    await monitor.stop()


async def fetch_all(pool: Pool) -> tuple[Watched, ...]:
    return await fetch_watched(pool, SLOT, SLOT)


async def test_slots_without_a_leader_are_recorded_as_missed_once(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    service = await add_service(pool, tenant_id, http.on("/", answer()))
    async with watching(pool, cron=EVERY_MINUTE) as watch:
        await watch.run_slot(SLOT)
    gap = timedelta(minutes=4)
    async with watching(pool, cron=EVERY_MINUTE) as watch:
        await watch.run_slot(SLOT + gap)
        await watch.run_slot(SLOT + gap)
    rows = await pool.fetch(
        "SELECT slot_at, missed, error FROM check_results"
        " WHERE service_id = $1 AND slot_at >= $2 ORDER BY slot_at",
        service.id,
        SLOT,
    )
    assert [(row["slot_at"] - SLOT, row["missed"]) for row in rows] == [
        (timedelta(0), False),
        (timedelta(minutes=1), True),
        (timedelta(minutes=2), True),
        (timedelta(minutes=3), True),
        (gap, False),
    ]
    assert rows[1]["error"] == NO_LEADER
    assert len(http.requests) == 2


async def test_a_check_that_a_crash_cut_off_is_missed_and_not_begun_again(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    await add_service(pool, tenant_id, http.on("/", hang), timeout_s=30.0)
    slot = slot_at(EVERY_MINUTE, SystemClock().now())
    async with watching(pool) as watch:
        await watch.monitor.open_slot(watch.lease, slot)
        await wait_until(lambda: bool(http.requests))
    http.on("/", answer())
    monitor, lines = build_monitor(pool)
    await monitor.start()
    await wait_until(lambda: bool(lines.lines))
    await monitor.stop()
    row = await pool.fetchrow("SELECT * FROM check_results WHERE slot_at = $1", slot)
    assert row is not None
    assert (row["missed"], row["error"]) == (True, UNFINISHED)


async def test_a_check_that_outlasts_its_slot_makes_the_next_one_missed(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    slot_is_over = asyncio.Event()

    async def answer_late(request: Request, writer: asyncio.StreamWriter) -> None:
        await slot_is_over.wait()
        await answer()(request, writer)

    await add_service(pool, tenant_id, http.on("/", answer_late))
    async with watching(pool) as watch:
        await watch.monitor.open_slot(watch.lease, SLOT)
        await wait_until(lambda: bool(http.requests))
        await watch.monitor.open_slot(watch.lease, SLOT + timedelta(minutes=1))
        slot_is_over.set()
        await watch.monitor.runner.settle()
        await watch.monitor.recorder.settle()
    rows = await pool.fetch("SELECT ok, error FROM check_results ORDER BY slot_at")
    assert [tuple(row) for row in rows] == [(True, None), (False, STILL_RUNNING)]
    assert len(http.requests) == 1


async def test_a_crash_loses_no_slot_of_a_check_that_outlasts_its_own(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    await add_service(pool, tenant_id, http.on("/", hang), timeout_s=30.0)
    now = slot_at(EVERY_MINUTE, SystemClock().now())
    first = now - timedelta(minutes=1)
    async with watching(pool) as watch:
        await watch.monitor.open_slot(watch.lease, first)
        await wait_until(lambda: bool(http.requests))
        await watch.monitor.open_slot(watch.lease, now)
        await watch.monitor.recorder.settle()
    monitor, lines = build_monitor(pool)
    await monitor.start()
    await wait_until(lambda: bool(lines.lines))
    await monitor.stop()
    rows = await pool.fetch(
        "SELECT slot_at, missed FROM check_results ORDER BY slot_at"
    )
    assert [tuple(row) for row in rows] == [(first, True), (now, True)]


async def test_a_slow_service_delays_no_other(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    await add_service(pool, tenant_id, http.on("/slow", hang), timeout_s=10.0)
    quick = await add_service(pool, tenant_id, http.on("/quick", answer()))
    async with watching(pool) as watch:
        await watch.monitor.open_slot(watch.lease, SLOT)
        await wait_until(lambda: bool(watch.lines.lines))
        assert [line["service_id"] for line in watch.lines.lines] == [quick.id]


async def test_a_person_gets_the_result_of_a_check_and_joins_one_under_way(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    # Switched off, so that nobody else checks it.
    service = await add_service(pool, tenant_id, http.on("/", answer()), enabled=False)
    monitor, _ = build_monitor(pool)
    await monitor.start()
    await wait_until(lambda: monitor.is_leader)
    assert (await monitor.check_now(service.id)).ok
    watched = await fetch_one_watched(pool, service.id, SLOT)
    assert watched is not None
    both = await asyncio.gather(
        *(monitor.runner.check_now(watched, ResultId(uuid4())) for _ in range(2))
    )
    assert [row.ok for row in both] == [True, True]
    assert len(http.requests) == 1 + 1
    with pytest.raises(ServiceGoneError):
        await monitor.check_now(ServiceId(uuid4()))
    await monitor.stop()


async def test_a_service_that_is_deleted_under_way_breaks_nothing(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    gone = await add_service(pool, tenant_id, http.on("/gone", answer(500)))
    kept = await add_service(pool, tenant_id, http.on("/kept", answer()))
    async with watching(pool) as watch:
        await watch.monitor.open_slot(watch.lease, SLOT)
        await pool.execute("DELETE FROM services WHERE id = $1", gone.id)
        await watch.monitor.runner.settle()
        await watch.monitor.recorder.settle()
    rows = await pool.fetch("SELECT service_id FROM check_results")
    assert [row["service_id"] for row in rows] == [kept.id]


async def test_maintenance_excuses_a_failure(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    service = await add_service(pool, tenant_id, http.on("/", answer(500)))
    await pool.execute(
        "INSERT INTO maintenance_windows (id, tenant_id, starts_at, ends_at) VALUES"
        " ($1, $2, now() - interval '1 hour', now() + interval '1 hour')",
        uuid4(),
        tenant_id,
    )
    async with watching(pool) as watch:
        await watch.run_slot(SLOT)
    assert [row["new"] for row in await changes(pool, service.id)] == ["maintenance"]
    assert await pool.fetchval("SELECT count(*) FROM alerts") == 0
    hour = await pool.fetchrow("SELECT * FROM check_rollups WHERE unit = 'hour'")
    assert hour is not None
    assert (hour["checks"], hour["passed"], hour["excused"]) == (1, 0, 1)


async def test_uptime_and_percentiles_come_from_rollups(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    await add_service(pool, tenant_id, http.on("/", answer()))
    checker = HttpChecker(EgressPolicy(), attempts=1)
    async with watching(pool, checker=checker) as watch:
        for minute in range(4):
            if minute == 3:
                http.on("/", answer(500))
            await watch.run_slot(SLOT + timedelta(minutes=minute))
    now = SystemClock().now()
    async with pool.acquire() as db, db.transaction():
        for period in Period:
            await refresh_windows(db, period, now)
    (one,) = await fetch_summary(pool, tenant_id)
    windows = await fetch_windows(pool, tenant_id, one.id)
    for period in Period:
        figures = windows[period]
        assert (figures.checks, figures.passed, figures.uptime) == (4, 3, 0.75)
        assert figures.p50_ms is not None
        assert figures.p99_ms is not None
        assert 0 < figures.p50_ms <= figures.p99_ms


async def test_an_incident_has_one_alert_and_its_end_another(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    await add_service(pool, tenant_id, http.on("/", answer(500)), "api", reminder_s=0)
    for minute in range(3):
        async with watching(pool) as watch:  # Another process each time.
            await watch.run_slot(SLOT + timedelta(minutes=minute))
    http.on("/", answer())
    async with watching(pool) as watch:
        await watch.run_slot(SLOT + timedelta(minutes=9))
    rows = await pool.fetch("SELECT kind, text FROM alerts ORDER BY created_at")
    assert [row["kind"] for row in rows] == ["down", "recovered"]
    assert "api" in rows[0]["text"]


async def test_the_function_of_watched_services_is_inlined_into_its_queries(
    pool: Pool,
) -> None:
    queries = load_queries("watch")
    plans = {
        name: await pool.fetch(f"EXPLAIN {queries[name]}", *arguments)
        for name, arguments in (
            ("fetch_watched", (SLOT, SLOT)),
            ("fetch_newcomers", (SLOT, SLOT)),
            ("fetch_one_watched", (uuid4(), SLOT)),
        )
    }
    for plan in plans.values():
        assert not [row for row in plan if "Function Scan" in row[0]]
    assert [row for row in plans["fetch_one_watched"] if "services_pkey" in row[0]]
