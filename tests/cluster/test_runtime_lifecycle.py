"""`pilito up` from start to stop: cut short, refused, and after crashes."""

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.cluster.conftest import MAX_STOP_S
from tests.support.servers.pilito import PilitoProcess, is_alive

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="lifecycle-") as folder:
        yield Path(folder)


def test_after_a_kill_the_next_start_picks_up(home: Path) -> None:
    with PilitoProcess(home / "killed") as killed:
        killed.wait_until_it_says()
        assert killed.is_answering()
        killed.ask("CREATE TABLE kept AS SELECT 8 AS n")
        old = psutil.Process(killed.pid).children(recursive=True)
        killed.process.kill()
        killed.wait()
        assert killed.find_remains() != []

    # The user types the same again: with the same ports.
    environment = {
        "PILITO_HTTP_PORT": str(killed.port),
        "PILITO_DASHBOARD_PORT": str(killed.dashboard_port),
    }
    with PilitoProcess(home / "killed", environment=environment) as again:
        again.wait_until_it_says()
        assert again.ask("SELECT n FROM kept") == 8
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


def test_a_database_that_is_not_there_stops_the_start_with_one_clear_line(
    home: Path,
) -> None:
    # Nobody listens on port 1.
    environment = {"PILITO_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
    with PilitoProcess(home / "failing", environment=environment) as failing:
        assert failing.wait() == 2
        last = [line for line in failing.output.splitlines() if line.startswith("✗")]
        assert len(last) == 1
        assert "Traceback" not in failing.output
        assert failing.find_remains() == []


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"PILITO_HTTP_HOST": "::"}, "PILITO_HTTP_HOST=127.0.0.1"),
        ({"PILITO_PUBLIC_URL": "https://shop.example"}, "PILITO_PUBLIC_URL"),
    ],
)
def test_trust_c1_the_demo_is_refused_where_others_could_sign_in(
    home: Path, environment: dict[str, str], named: str
) -> None:
    with PilitoProcess(home / "open", "--demo", environment=environment) as open_one:
        assert open_one.wait() == 2
        assert named in open_one.output
