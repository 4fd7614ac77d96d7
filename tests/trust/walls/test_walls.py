"""No tenant reaches what is inside: by services, alert webhooks or their errors."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest

from actors.monitor.checks.checker import HttpChecker
from actors.monitor.checks.outcome import FailureKind
from actors.monitor.checks.ssrf_guard import (
    EgressPolicy,
    RefusedAddressError,
    open_guarded_client,
)
from config.settings import Settings
from deployments.egress import build_egress_policy
from persistence.database import Pool
from persistence.ids import ResultId, ServiceId, TenantId
from persistence.monitor import CheckRow, Origin
from persistence.tenants import create_tenant
from persistence.watch import fetch_one_watched
from tests.support.api import Api, LocalShards, connect
from tests.support.clock import NOON
from tests.support.monitors import add_service, watching
from tests.support.servers.misbehaving_server import (
    MisbehavingServer,
    answer,
    misbehaving_server,
)

SERVICES = "/api/monitor/services/"
ROUTES = "/api/monitor/alert-routes/"
EXPOSED = {
    "on every interface": Settings(http_host="0.0.0.0"),  # noqa: S104 - not bound
    "behind a public address": Settings(public_url="https://shop.example"),
    "forbidden by hand": Settings(monitor_private_addresses=False),
}


@pytest.fixture
async def http() -> AsyncIterator[MisbehavingServer]:
    async with misbehaving_server() as server:
        server.on("/", answer(200, b'{"k": "SECRET"}', content_type="x/SECRET"))
        yield server


async def check(
    pool: Pool,
    policy: EgressPolicy,
    tenant_id: TenantId,
    url: str,
    conditions: tuple[dict[str, str], ...] = (),
) -> CheckRow:
    """Check a new service once, as its owner would."""
    service = await add_service(pool, tenant_id, url, conditions=conditions)
    return await check_service(pool, policy, service.id)


async def check_service(pool: Pool, policy: EgressPolicy, id_: ServiceId) -> CheckRow:
    checker = HttpChecker(policy, attempts=1)
    watched = await fetch_one_watched(pool, id_, NOON)
    assert watched is not None
    async with watching(pool, checker=checker) as watch:
        return await watch.monitor.runner.check_now(watched, ResultId(UUID(int=1)))


async def test_trust_h2_private_addresses_are_walled_once_there_is_a_second_tenant(
    pool: Pool, http: MisbehavingServer
) -> None:
    policy = build_egress_policy(Settings(), pool)
    first = await create_tenant(pool, "first")
    service = await add_service(pool, first.id, f"{http.url}/")
    assert (await check_service(pool, policy, service.id)).ok
    await pool.execute("DELETE FROM check_results")
    # The same policy, in the same process: tenants are counted at each connection.
    await create_tenant(pool, "second")
    row = await check_service(pool, policy, service.id)
    assert row.metadata["failure"] == FailureKind.FORBIDDEN
    assert len(http.requests) == 1


@pytest.mark.parametrize("settings", EXPOSED.values(), ids=EXPOSED.keys())
async def test_trust_h2_private_addresses_are_walled_where_others_can_sign_in(
    pool: Pool, http: MisbehavingServer, settings: Settings
) -> None:
    """Even for the only tenant: a stolen password must not open the inside."""
    only = await create_tenant(pool, "only")
    policy = build_egress_policy(settings, pool)
    row = await check(pool, policy, only.id, f"{http.url}/")
    assert row.metadata["failure"] == FailureKind.FORBIDDEN
    assert http.requests == []


async def test_trust_h2_nothing_found_inside_stands_in_a_result(
    pool: Pool, http: MisbehavingServer
) -> None:
    only = await create_tenant(pool, "only")
    policy = build_egress_policy(Settings(), pool)
    conditions = (
        {"test": "equals", "path": "$.k", "value": "x"},
        {"test": "contains", "path": "$.k", "value": "x"},
    )
    for condition in conditions:
        row = await check(pool, policy, only.id, f"{http.url}/", (condition,))
        assert not row.ok
        assert "SECRET" not in str(row)
        assert set(row.metadata) == {"failure"}
        await pool.execute("DELETE FROM check_results")


async def test_trust_h2_what_speaks_no_http_inside_is_not_quoted(
    pool: Pool, http: MisbehavingServer
) -> None:
    async def greet(_request: object, writer: object) -> None:
        writer.write(b"+PONG secret banner\r\n")  # type: ignore[attr-defined]

    only = await create_tenant(pool, "only")
    url = http.on("/banner", greet)
    row = await check(pool, build_egress_policy(Settings(), pool), only.id, url)
    assert row.error == "an invalid answer"


async def test_trust_h2_our_own_ports_are_walled_on_all_addresses_of_this_machine(
    pool: Pool, http: MisbehavingServer
) -> None:
    only = await create_tenant(pool, "only")
    for settings in (
        Settings(http_port=http.port),
        Settings(dashboard_port=http.port),
        Settings(redis_url=f"redis://:x@localhost:{http.port}/0"),  # type: ignore[arg-type]
        Settings(database_url=f"postgresql://a:b@127.0.0.1:{http.port}/x"),  # type: ignore[arg-type]
    ):
        policy = build_egress_policy(settings, pool)
        for host in ("127.0.0.1", "127.0.0.2", "localhost", "[::ffff:127.0.0.1]"):
            url = f"http://{host}:{http.port}/"
            row = await check(pool, policy, only.id, url)
            assert row.metadata["failure"] == FailureKind.FORBIDDEN, (host, row.error)
            await pool.execute("DELETE FROM check_results")
    assert http.requests == []


async def test_trust_h2_the_services_of_the_runtime_itself_are_still_checked(
    pool: Pool, http: MisbehavingServer
) -> None:
    first = await create_tenant(pool, "first")
    await create_tenant(pool, "second")
    service = await add_service(pool, first.id, f"{http.url}/")
    await pool.execute("UPDATE services SET origin = $1", Origin.RUNTIME)
    settings = Settings(http_port=http.port, public_url="https://shop.example")
    policy = build_egress_policy(settings, pool)
    assert (await check_service(pool, policy, service.id)).ok


async def test_trust_h2_a_literal_address_that_is_never_reached_is_not_saved(
    client: httpx.AsyncClient,
) -> None:
    for host in (
        "169.254.169.254",
        "[fe80::1]",
        "[::ffff:0:a9fe:a9fe]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::]",
        "[2001:0:a9fe:a9fe::1]",
        "0.0.0.0",  # noqa: S104 - not bound
        # Our own API and dashboard.
        "127.0.0.1:8000",
        "localhost:8000",
        "127.0.0.2:8265",
    ):
        body = {"name": host, "base_url": f"http://{host}"}
        refused = await client.post(SERVICES, json=body)
        assert refused.status_code == 422, (host, refused.text)
        assert "base_url" in refused.json()["fields"]
        hook = {"kind": "webhook", "name": "hook", "url": f"http://{host}/x"}
        route = await client.post(ROUTES, json=hook)
        assert route.status_code == 422, (host, route.text)
        assert "url" in str(route.json()["fields"])


async def test_trust_h2_a_service_can_not_be_moved_to_a_walled_address(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    body = {"name": "api", "base_url": "https://api.example.com"}
    path = f"{SERVICES}{(await client.post(SERVICES, json=body)).json()['id']}/"
    moved = await client.patch(path, json={"base_url": "http://127.0.0.1:8000"})
    assert moved.status_code == 422
    moved = await client.put(path, json={**body, "base_url": "http://[fe80::1]"})
    assert moved.status_code == 422
    # One that an older release stored can still be switched off.
    await pool.execute("UPDATE services SET base_url = 'http://127.0.0.1:8000'")
    off = await client.patch(path, json={"enabled": False})
    assert off.status_code == 200, off.text


async def test_trust_h2_the_walls_stand_before_whatever_a_tenant_aims(
    pool: Pool, http: MisbehavingServer
) -> None:
    """As alert webhooks, workflow webhooks and imports send: by one client."""
    await create_tenant(pool, "first")
    await create_tenant(pool, "second")
    policy = build_egress_policy(Settings(), pool)
    async with open_guarded_client(policy, httpx.Timeout(5)) as guarded:
        with pytest.raises(RefusedAddressError):
            await guarded.post(f"{http.url}/", content=b"x")
    assert http.requests == []


async def test_trust_m12_headers_stay_with_the_server_that_they_were_written_for(
    client: httpx.AsyncClient,
) -> None:
    headers = {"Authorization": "Bearer sk-secret-1234"}
    body = {"name": "api", "base_url": "https://api.example.com", "headers": headers}
    made = (await client.post(SERVICES, json=body)).json()
    path = f"{SERVICES}{made['id']}/"
    for moved in (
        "https://evil.example",
        "http://api.example.com",
        "https://api.example.com:8443",
        "https://api.example.com.evil.example",
    ):
        for hidden in (None, made["headers"]):
            change: dict[str, object] = {"base_url": moved}
            if hidden is not None:
                change["headers"] = hidden
            refused = await client.patch(path, json=change)
            assert refused.status_code == 422, (moved, refused.text)
            assert "headers" in refused.json()["fields"]
        put = {**body, "base_url": moved, "headers": made["headers"]}
        assert (await client.put(path, json=put)).status_code == 422
    # The same server, another path, or new values: nothing is in the way.
    same = {"base_url": "https://API.example.com:443/v2"}
    assert (await client.patch(path, json=same)).status_code == 200
    anew = {"base_url": "https://new.example", "headers": {"Authorization": "other"}}
    assert (await client.patch(path, json=anew)).status_code == 200
    none = {"base_url": "https://third.example", "headers": {}}
    assert (await client.patch(path, json=none)).json()["headers"] == {}


UNREADABLE = (
    "http://256.1.1.1",
    "http://192.168.001.001",
    "http://xn--",
    "http://xn--a-.com",
    "http://[::1]x",
    "http://2130706433",
    "http://0x7f.0.0.1",
    "http://0177.0.0.1",
    "http://127.1",
    "http://1.2.3.4.5",
    "http://a..b",
    "http://.example.com",
    f"http://{'a' * 64}.example.com",
    f"http://{'a.' * 127}example",
    "http://-a.example.com",
    "http://example.com:0",
    "http://example.com:65536",
    "http://example.com:",
    "http://example.com:8x",
    "http://user@example.com",
    "http://@example.com",
    "http://[fe80::1%25eth0]",
    "http://[v1.fe80]",
    "http://exa%6dple.com",
    "http://example.com\\@evil.example",
    "http://exa mple.com",
)


@pytest.mark.parametrize("address", UNREADABLE)
async def test_trust_case_h01_an_address_that_can_not_be_read_is_not_saved(
    client: httpx.AsyncClient, address: str
) -> None:
    refused = await client.post(SERVICES, json={"name": "x", "base_url": address})
    assert refused.status_code == 422, refused.text
    assert "base_url" in refused.json()["fields"]


@pytest.mark.parametrize("address", [*UNREADABLE, "nonsense", "http://", "ftp://x"])
async def test_trust_case_h01_a_stored_address_that_can_not_be_read_is_a_failed_result(
    pool: Pool, http: MisbehavingServer, address: str
) -> None:
    """Of that service alone: the other one of the slot is checked."""
    only = await create_tenant(pool, "only")
    broken = await add_service(pool, only.id, f"{http.url}/", "broken")
    good = await add_service(pool, only.id, f"{http.url}/", "good")
    query = "UPDATE services SET base_url = $2 WHERE id = $1"
    await pool.execute(query, broken.id, address)
    async with watching(pool) as watch:
        await watch.run_slot(NOON)
    rows = await pool.fetch("SELECT service_id, ok, error FROM check_results")
    found = {row["service_id"]: row for row in rows}
    assert found[good.id]["ok"]
    assert not found[broken.id]["ok"]
    assert found[broken.id]["error"]


@pytest.mark.parametrize("public_url", [None, "https://shop.example"])
async def test_trust_h2_a_private_address_is_saved_where_it_may_be_reached_one_day(
    pool: Pool, public_url: str | None
) -> None:
    """With a public address it never is; the number of tenants may change."""
    api = Api(pool, LocalShards(pool), public_url=public_url)
    alice = await api.add_user("alice")
    await api.add_user("bob")
    async with connect(api.build(), alice) as client:
        for host in ("127.0.0.1:3000", "db.localhost", "10.0.0.1", "[fd12::1]"):
            body = {"name": host, "base_url": f"http://{host}"}
            saved = await client.post(SERVICES, json=body)
            assert saved.status_code == (422 if public_url else 201), saved.text
