"""Our own network is gone only by evidence of its own, never by what tenants watch."""

import asyncio
from datetime import timedelta

import pytest

from actors.monitor.checks import ssrf_guard
from actors.monitor.checks.checker import HttpChecker, Target
from actors.monitor.checks.network_probe import Endpoint, NetworkProbe
from actors.monitor.checks.ssrf_guard import EgressPolicy
from persistence.database import Pool
from persistence.monitor import Status
from persistence.tenants import create_tenant
from tests.support.clock import NOON
from tests.support.monitors import add_service, watching
from tests.support.servers.misbehaving_server import misbehaving_server

#: Names that nobody can have (RFC 6761): they lead nowhere.
DEAD = ("http://a.invalid/", "http://b.invalid/", "http://c.invalid/")
CUT_OFF: Endpoint = ("d.invalid", 443)
SHORT = timedelta(milliseconds=300)


async def statuses(pool: Pool) -> dict[str, str]:
    query = "SELECT name, status FROM services JOIN service_states ON service_id = id"
    return {row["name"]: row["status"] for row in await pool.fetch(query)}


async def add_dead(pool: Pool, tenant: str) -> None:
    """Add services at three hosts that do not answer."""
    owner = await create_tenant(pool, tenant)
    for number, url in enumerate(DEAD):
        name = f"{tenant} {number}"
        await add_service(pool, owner.id, url, name, timeout_s=3.0)


async def test_trust_m13_a_tenants_dead_hosts_hide_no_outage_of_another(
    pool: Pool,
) -> None:
    await add_dead(pool, "first")
    second = await create_tenant(pool, "second")
    # Nobody listens there: a refusal is an answer of the machine.
    await add_service(pool, second.id, "http://127.0.0.1:9/", "inside")
    async with watching(pool) as watch:
        await watch.run_slot(NOON)
    assert (await statuses(pool))["inside"] == Status.DOWN
    told = await pool.fetch("SELECT tenant_id FROM alerts WHERE kind = 'down'")
    assert second.id in {row["tenant_id"] for row in told}


@pytest.mark.skipif(not ssrf_guard.has_route(), reason="this machine has no way out")
async def test_trust_case_h02_hosts_that_do_not_answer_are_down_without_evidence(
    pool: Pool,
) -> None:
    """Three of them at once, nothing outside is watched, the probe never answered."""
    await add_dead(pool, "shop")
    network = NetworkProbe([CUT_OFF], timeout=SHORT)
    async with watching(pool, network=network) as watch:
        await watch.run_slot(NOON)
    assert set((await statuses(pool)).values()) == {Status.DOWN}
    assert await pool.fetchval("SELECT count(*) FROM alerts") == 3


@pytest.mark.skipif(not ssrf_guard.has_route(), reason="this machine has no way out")
async def test_trust_case_h02_a_probe_that_answers_no_more_is_evidence(
    pool: Pool,
) -> None:
    await add_dead(pool, "shop")
    async with misbehaving_server() as server:
        endpoints: list[Endpoint] = [("127.0.0.1", server.port)]
        network = NetworkProbe(endpoints, timeout=SHORT)
        assert not await network.is_lost()
        endpoints[0] = CUT_OFF
        async with watching(pool, network=network) as watch:
            await watch.run_slot(NOON)
            assert set((await statuses(pool)).values()) == {Status.UNKNOWN}
            assert await pool.fetchval("SELECT count(*) FROM alerts") == 0
            # The way out is back, and the hosts are as dead as before.
            endpoints[0] = ("127.0.0.1", server.port)
            await watch.run_slot(NOON + timedelta(minutes=5))
    assert set((await statuses(pool)).values()) == {Status.DOWN}


async def test_trust_case_h02_a_refusal_says_nothing_against_our_network() -> None:
    checker = HttpChecker(EgressPolicy(), attempts=1)
    target = f"http://{await find_own_address()}:9/"
    outcome = await checker.check(Target(target))
    await checker.stop()
    assert outcome.error == "the connection was refused"
    assert not outcome.is_doubtful


async def find_own_address() -> str:
    """Return an address of this machine, of another network than loopback if any."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, remote_addr=("192.0.2.1", 9)
    )
    address: str = transport.get_extra_info("sockname")[0]
    transport.close()
    return address
