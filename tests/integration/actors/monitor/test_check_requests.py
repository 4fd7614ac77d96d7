"""New services are checked at once, and checks on demand by the leader."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import pytest

from actors.monitor.errors import MonitorStandbyError, ServiceGoneError
from actors.monitor.monitor import Monitor
from persistence.check_requests import (
    CHANNEL,
    CheckRequest,
    fetch_answer,
    fetch_check_requests,
    insert_check_request,
)
from persistence.database import Pool
from persistence.ids import ResultId, ServiceId, TenantId
from persistence.listener import Listener
from persistence.services import ServiceSpec, create_service
from persistence.tenants import create_tenant
from persistence.watch import claim_lease, release_lease
from tests.support.monitors import CIPHER, add_service, build_monitor, wait_until
from tests.support.servers.misbehaving_server import (
    MisbehavingServer,
    answer,
    hang,
    misbehaving_server,
)
from tests.support.waiting import time_limit


@pytest.fixture
async def http() -> AsyncIterator[MisbehavingServer]:
    async with misbehaving_server() as server:
        yield server


@pytest.fixture
async def tenant_id(pool: Pool) -> TenantId:
    return (await create_tenant(pool, "shop")).id


@asynccontextmanager
async def runtime(pool: Pool, dsn: str) -> AsyncIterator[Monitor]:
    """Run a monitor that hears the database."""
    monitor, _ = build_monitor(pool)
    listener = Listener(dsn)
    listener.on(CHANNEL, monitor.wakeups.on_notify)
    await listener.start()
    await monitor.start()
    try:
        yield monitor
    finally:
        await monitor.stop()
        await listener.stop()


@asynccontextmanager
async def two_runtimes(pool: Pool, dsn: str) -> AsyncIterator[tuple[Monitor, Monitor]]:
    """Run one that watches and one that stands by."""
    async with runtime(pool, dsn) as holder:
        await wait_until(lambda: holder.is_leader)
        async with runtime(pool, dsn) as other:
            yield holder, other


async def count_results(pool: Pool) -> int:
    found: int = await pool.fetchval("SELECT count(*) FROM check_results")
    return found


async def wait_for_results(pool: Pool, count: int) -> None:
    results = 0
    async with time_limit(lambda: f"{results} results, not {count}"):
        while (results := await count_results(pool)) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def wait_for_requests(pool: Pool, count: int) -> None:
    requests: object = ()
    async with time_limit(lambda: f"{requests}, not {count} of them"):
        while len(requests := await fetch_check_requests(pool)) != count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_new_service_is_checked_at_once_and_once_in_its_slot(
    pool: Pool, dsn: str, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    http.on("/health", answer())
    async with runtime(pool, dsn) as monitor:
        await wait_until(lambda: monitor.is_leader)
        spec = ServiceSpec("api", http.url, "/health")
        service = await create_service(pool, CIPHER, tenant_id, spec)
        await wait_for_results(pool, 1)
        # Switched off and on again: its slot is checked already.
        for enabled in (False, True):
            await pool.execute(
                "UPDATE services SET enabled = $2, enabled_at = now() WHERE id = $1",
                service.id,
                enabled,
            )
        # By the time another new one is checked, the first would have been, too.
        await create_service(
            pool, CIPHER, tenant_id, ServiceSpec("other", http.url, "/health")
        )
        await wait_for_results(pool, 2)
    assert len(http.requests) == 2
    row = await pool.fetchrow(
        "SELECT slot_at <= checked_at AS is_of_a_slot, ok FROM check_results"
        " WHERE service_id = $1",
        service.id,
    )
    assert row is not None
    assert tuple(row) == (True, True)


async def test_a_service_created_without_a_leader_is_checked_by_the_next_one(
    pool: Pool, dsn: str, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    http.on("/", answer())
    await create_service(pool, CIPHER, tenant_id, ServiceSpec("api", http.url))
    async with runtime(pool, dsn):
        await wait_for_results(pool, 1)
    assert len(http.requests) == 1


async def test_a_standby_has_the_check_made_by_the_leader(
    pool: Pool, dsn: str, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    async with two_runtimes(pool, dsn) as (holder, other):
        service = await add_service(pool, tenant_id, http.on("/", answer(204)))
        await wait_until(lambda: holder.is_leader)
        before = await count_results(pool)
        row = await other.check_now(service.id)
        assert (row.service_id, row.status_code, row.ok) == (service.id, 204, True)
        assert row.slot_at is None
        assert await fetch_answer(pool, row.id) == row
        assert await count_results(pool) in {before + 1, before + 2}
        assert not other.is_leader


async def test_a_service_that_is_gone_is_said_to_be_gone_by_every_runtime(
    pool: Pool, dsn: str, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    async with two_runtimes(pool, dsn) as (holder, other):
        for monitor in (holder, other):
            with pytest.raises(ServiceGoneError):
                await monitor.check_now(ServiceId(uuid4()))
        service = await add_service(pool, tenant_id, http.on("/", hang), timeout_s=2.0)
        asking = asyncio.create_task(other.check_now(service.id))
        await wait_until(lambda: bool(http.requests))
        await wait_for_requests(pool, 1)
        await pool.execute("DELETE FROM services")
        with pytest.raises(ServiceGoneError):
            await asking


async def test_without_a_leader_a_check_on_demand_is_refused(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    service = await add_service(pool, tenant_id, http.on("/", answer()))
    monitor, _ = build_monitor(pool)
    with pytest.raises(MonitorStandbyError):
        await monitor.check_now(service.id)
    assert not await fetch_check_requests(pool)


async def test_a_caller_does_not_wait_for_a_leader_that_has_gone(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    service = await add_service(pool, tenant_id, http.on("/", answer()))
    lease = await claim_lease(pool, uuid4(), timedelta(minutes=5))
    assert lease is not None
    monitor, _ = build_monitor(pool)
    asking = asyncio.create_task(monitor.check_now(service.id))
    await wait_for_requests(pool, 1)
    await release_lease(pool, lease)
    monitor.wakeups.on_notify("")
    with pytest.raises(MonitorStandbyError):
        await asking
    assert not await fetch_check_requests(pool)


async def test_requests_of_a_killed_leader_are_served_by_the_next_one(
    pool: Pool, dsn: str, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    service = await add_service(pool, tenant_id, http.on("/", answer()))
    lease = await claim_lease(pool, uuid4(), timedelta(minutes=5))
    assert lease is not None
    request = CheckRequest(ResultId(uuid4()), service.id)
    assert await insert_check_request(pool, request)
    await release_lease(pool, lease)
    async with runtime(pool, dsn):
        await wait_for_requests(pool, 0)
    row = await fetch_answer(pool, request.id)
    assert row is not None
    assert row.ok
