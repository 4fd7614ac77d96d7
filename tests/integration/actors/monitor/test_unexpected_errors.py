"""Errors that nobody expects cost the monitor neither its lead nor its callers."""

import asyncio
from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from actors.clock import SystemClock
from actors.monitor.checks.checker import NOT_CHECKED
from actors.monitor.checks.outcome import Outcome
from actors.monitor.finding import Finding
from persistence.database import Pool
from persistence.ids import ResultId, TenantId
from persistence.monitor import CheckRow
from persistence.tenants import create_tenant
from persistence.watch import fetch_one_watched
from tests.support.monitors import (
    add_service,
    build_monitor,
    running_monitor,
    wait_until,
    watching,
)
from tests.support.waiting import time_limit, wait_for_count

#: Nothing listens there; these tests need no answer.
URL = "http://127.0.0.1:9/"


@pytest.fixture
async def tenant_id(pool: Pool) -> TenantId:
    return (await create_tenant(pool, "shop")).id


@asynccontextmanager
async def failing(pool: Pool, event: str, table: str, code: str) -> AsyncIterator[None]:
    """Have the database refuse writes into a table, as a pooler or a lock may."""
    await pool.execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$"
    )
    await pool.execute(
        f"CREATE TRIGGER fail BEFORE {event} ON {table} EXECUTE FUNCTION fail()"
    )
    yield
    await pool.execute("DROP FUNCTION fail CASCADE")


def is_logged(
    lines: list[MutableMapping[str, object]], event: str
) -> Callable[[], bool]:
    return lambda: any(line["event"] == event for line in lines)


@pytest.mark.parametrize("code", ["XX000", "55P03"])
async def test_a_renewal_that_fails_unexpectedly_does_not_end_the_lead(
    pool: Pool, code: str
) -> None:
    monitor, _ = build_monitor(pool, lease_term=timedelta(seconds=6))
    await monitor.start()
    await wait_until(lambda: monitor.is_leader)
    with capture_logs() as lines:
        async with failing(pool, "UPDATE", "monitor_leases", code):
            await wait_until(is_logged(lines, "lease_not_renewed"))
            assert monitor.is_leader
        until = await pool.fetchval("SELECT expires_at FROM monitor_leases")
        async with time_limit(lambda: lines):
            query = "SELECT expires_at FROM monitor_leases"
            while until == await pool.fetchval(query):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    assert monitor.is_leader
    assert await pool.fetchval("SELECT epoch FROM monitor_leases") == 1
    assert not is_logged(lines, "leading_failed")()
    levels = {
        line["log_level"] for line in lines if line["event"] == "lease_not_renewed"
    }
    assert levels == {"error"}
    await monitor.stop()


async def test_renewals_that_fail_for_a_whole_term_end_the_lead(pool: Pool) -> None:
    monitor, _ = build_monitor(pool, lease_term=timedelta(seconds=0.5))
    await monitor.start()
    await wait_until(lambda: monitor.is_leader)
    with capture_logs() as lines:
        async with failing(pool, "UPDATE", "monitor_leases", "XX000"):
            await wait_until(is_logged(lines, "lease_lost"))
    await monitor.stop()


async def test_a_check_that_fails_unexpectedly_is_a_stored_failed_result(
    pool: Pool, tenant_id: TenantId
) -> None:
    service = await add_service(pool, tenant_id, URL, enabled=False)
    await pool.execute("""UPDATE services SET conditions = '[{"test": "unknown"}]'""")
    async with running_monitor(pool) as monitor:
        with capture_logs() as lines:
            async with time_limit(lambda: lines):
                row = await monitor.check_now(service.id)
        # The answer is stored before its request is deleted.
        query = "SELECT count(*) FROM check_requests"
        await wait_for_count(pool, query, 0, channel="pilito_monitor")
    assert (row.ok, row.error) == (False, NOT_CHECKED)
    assert is_logged(lines, "check_failed_unexpectedly")()


async def test_a_caller_that_has_gone_costs_no_other_result(
    pool: Pool, tenant_id: TenantId
) -> None:
    service = await add_service(pool, tenant_id, URL, enabled=False)
    now = SystemClock().now()
    watched = await fetch_one_watched(pool, service.id, now)
    assert watched is not None
    stored, new = ResultId(uuid4()), ResultId(uuid4())
    loop = asyncio.get_running_loop()
    gone: asyncio.Future[CheckRow] = loop.create_future()
    gone.cancel()
    waiter: asyncio.Future[CheckRow] = loop.create_future()
    async with watching(pool) as watch:
        recorder = watch.monitor.recorder
        recorder.put(Finding(stored, watched, None, now, Outcome(1, 200)))
        await recorder.settle()
        # As if the answer to the commit had been lost: the server cancelled it.
        with capture_logs() as lines:
            async with failing(pool, "INSERT", "check_results", "57014"):
                for id_, done in ((stored, gone), (new, waiter)):
                    outcome = Outcome(1, 200)
                    recorder.put(Finding(id_, watched, None, now, outcome, done=done))
                await wait_until(is_logged(lines, "results_not_written"))
        async with time_limit(lambda: lines):
            assert (await waiter).id == new
    assert await pool.fetchval("SELECT count(*) FROM check_results") == 2


async def test_a_leader_warns_once_of_each_service_whose_paths_it_can_not_parse(
    pool: Pool, tenant_id: TenantId
) -> None:
    paths = ("$.a.0", "$[name]", "$.good")
    conditions = tuple({"test": "equals", "path": p, "value": "s3cret"} for p in paths)
    service = await add_service(pool, tenant_id, URL, conditions=conditions)
    await add_service(pool, tenant_id, URL, conditions=conditions[2:])
    slot = datetime(2026, 3, 1, 12, tzinfo=UTC)
    with capture_logs() as lines:
        async with watching(pool) as watch:
            await watch.run_slot(slot)
            await watch.run_slot(slot + timedelta(minutes=1))
    warnings = [line for line in lines if line["event"] == "paths_unreadable"]
    assert warnings == [
        {
            "event": "paths_unreadable",
            "log_level": "warning",
            "service_id": str(service.id),
            "paths": ["$.a.0", "$[name]"],
        }
    ]
