"""One tenant, one row or one failing duty never stops the monitor for the others."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from actors.clock import SystemClock
from actors.monitor.checks.outcome import Outcome
from actors.monitor.finding import Finding
from actors.monitor.housekeeping import Housekeeping
from persistence.channels import (
    ChannelKind,
    ChannelTokens,
    NewChannel,
    create_channel,
)
from persistence.database import Pool
from persistence.ids import ResultId, TenantId
from persistence.monitor import CheckRow
from persistence.tenants import create_tenant
from persistence.watch import claim_lease, fetch_one_watched
from tests.support.clock import NOON
from tests.support.monitors import (
    CIPHER,
    add_service,
    build_monitor,
    wait_until,
    watching,
)
from tests.support.servers.misbehaving_server import (
    MisbehavingServer,
    answer,
    misbehaving_server,
)
from tests.support.waiting import time_limit

MONTH = timedelta(days=30)


@pytest.fixture
async def http() -> AsyncIterator[MisbehavingServer]:
    async with misbehaving_server() as server:
        yield server


@pytest.fixture
async def tenant_id(pool: Pool) -> TenantId:
    return (await create_tenant(pool, "shop")).id


async def add_telegram(pool: Pool, tenant_id: TenantId) -> str:
    """Add a channel; return the name that its platform's service would have."""
    tokens = ChannelTokens("123:aaaaaaa", None)
    new = NewChannel(ChannelKind.TELEGRAM, "x", str(uuid4()), tokens)
    async with pool.acquire() as db, db.transaction():
        channel = await create_channel(db, CIPHER, tenant_id, new)
    return f"Telegram API (x) {str(channel.id)[:8]}"


def keep_house(pool: Pool) -> Housekeeping:
    platforms = {ChannelKind.TELEGRAM: "https://api.telegram.org"}
    return Housekeeping(
        pool,
        SystemClock(),
        MONTH,
        platforms=platforms,
        steady_for=timedelta(0),
    )


async def count_old(pool: Pool) -> int:
    query = "SELECT count(*) FROM check_results WHERE checked_at < '2010-01-01'"
    found: int = await pool.fetchval(query)
    return found


async def add_old_result(pool: Pool, tenant_id: TenantId) -> None:
    service = await add_service(pool, tenant_id, "http://192.0.2.1/", "old")
    await pool.execute(
        "INSERT INTO check_results"
        " (id, tenant_id, service_id, checked_at, ok, attempts)"
        " VALUES ($1, $2, $3, '2009-01-01', true, 1)",
        uuid4(),
        tenant_id,
        service.id,
    )


async def test_trust_h3_a_taken_name_does_not_stop_the_monitors_housekeeping(
    pool: Pool, tenant_id: TenantId
) -> None:
    name = await add_telegram(pool, tenant_id)
    await add_service(pool, tenant_id, "http://192.0.2.1/", name)
    lease = await claim_lease(pool, uuid4(), timedelta(minutes=1))
    assert lease is not None
    await keep_house(pool).link_platforms(lease)
    found = await pool.fetch("SELECT name FROM services WHERE origin = 'platform'")
    assert len(found) == 1
    assert found[0]["name"].startswith(name)
    # Again: nothing is made twice.
    await keep_house(pool).link_platforms(lease)
    query = "SELECT count(*) FROM services WHERE origin = 'platform'"
    assert await pool.fetchval(query) == 1


@pytest.mark.parametrize("code", ["23505", "XX000", "57014"])
async def test_trust_h3_a_duty_that_fails_stops_no_other(
    pool: Pool, tenant_id: TenantId, code: str
) -> None:
    await add_old_result(pool, tenant_id)
    await add_telegram(pool, tenant_id)
    await pool.execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$"
    )
    await pool.execute(
        "CREATE TRIGGER fail BEFORE INSERT ON services EXECUTE FUNCTION fail()"
    )
    lease = await claim_lease(pool, uuid4(), timedelta(minutes=1))
    assert lease is not None
    with capture_logs() as lines:
        running = asyncio.create_task(keep_house(pool).run(lease))
        failed = {"duty_failed", "duty_interrupted"}
        await wait_until(lambda: any(line["event"] in failed for line in lines))
        async with time_limit(lambda: lines):
            while await count_old(pool):  # noqa: ASYNC110 - in the database
                await asyncio.sleep(0.02)
        assert not running.done()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    duties = {line["duty"] for line in lines if line["event"] in failed}
    assert duties == {"link_platforms"}


async def test_trust_s1_a_row_that_can_not_be_stored_stops_no_other(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    """Whatever the reason: here a trigger that refuses one service's results."""
    services = [
        await add_service(pool, tenant_id, http.on(f"/{n}", answer()), str(n))
        for n in range(9)
    ]
    bad = services[4].id
    await pool.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN IF NEW.service_id = '{bad}' THEN RAISE EXCEPTION 'no'"
        " USING ERRCODE = '23514'; END IF; RETURN NEW; END $$"
    )
    await pool.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON check_results"
        " FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    with capture_logs() as lines:
        async with watching(pool) as watch:
            await watch.run_slot(NOON)
            await watch.run_slot(NOON + timedelta(minutes=5))
    rows = await pool.fetch("SELECT service_id, count(*) FROM check_results GROUP BY 1")
    assert {row["service_id"]: row["count"] for row in rows} == {
        one.id: 2 for one in services if one.id != bad
    }
    dropped = [line for line in lines if line["event"] == "result_dropped"]
    assert [line["service_id"] for line in dropped] == [str(bad)] * 2


async def test_trust_s1_a_stored_state_that_can_not_be_read_stops_no_other(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    bad = await add_service(pool, tenant_id, http.on("/bad", answer()), "bad")
    good = await add_service(pool, tenant_id, http.on("/good", answer()), "good")
    query = (
        """UPDATE service_states SET state = '{"status": 1}' WHERE service_id = $1"""
    )
    await pool.execute(query, bad.id)
    async with watching(pool) as watch:
        await watch.run_slot(NOON)
    rows = await pool.fetch("SELECT service_id FROM check_results")
    assert [row["service_id"] for row in rows] == [good.id]


async def test_trust_s1_what_a_server_said_and_nobody_can_store_costs_only_its_words(
    pool: Pool, tenant_id: TenantId
) -> None:
    service = await add_service(pool, tenant_id, "http://192.0.2.1/")
    watched = await fetch_one_watched(pool, service.id, NOON)
    assert watched is not None
    done: asyncio.Future[CheckRow] = asyncio.get_running_loop().create_future()
    outcome = Outcome(1, 500, error="half a \udc80 letter", metadata={"x": "\x00"})
    async with watching(pool) as watch:
        finding = Finding(ResultId(uuid4()), watched, None, NOON, outcome, done=done)
        watch.monitor.recorder.put(finding)
        await watch.monitor.recorder.settle()
        assert (await done).id == finding.id
        # A future that is done is not set again.
        watch.monitor.recorder.put(finding)
        await watch.monitor.recorder.settle()
    assert await pool.fetchval("SELECT count(*) FROM check_results") == 1


async def test_trust_m11_of_two_monitors_of_one_data_directory_one_stands_by(
    pool: Pool,
) -> None:
    """Copies of one container have one data directory and one network address."""
    first, _ = build_monitor(pool, lease_term=timedelta(seconds=6))
    second, _ = build_monitor(pool, lease_term=timedelta(seconds=6))
    await first.start()
    await wait_until(lambda: first.is_leader)
    with capture_logs() as lines:
        await second.start()
        expiry = "SELECT expires_at FROM monitor_leases"
        until = await pool.fetchval(expiry)
        async with time_limit(lambda: lines):
            # The first one renews its lease, and the second one has asked for it.
            while until == await pool.fetchval(expiry):  # noqa: ASYNC110 - a row
                await asyncio.sleep(0.05)
    assert first.is_leader
    assert not second.is_leader
    assert await pool.fetchval("SELECT epoch FROM monitor_leases") == 1
    await second.stop()
    await first.stop()
