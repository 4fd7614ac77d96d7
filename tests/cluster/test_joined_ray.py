"""`pilito up` on a Ray that somebody else runs."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

import httpx
import psutil
import pytest

from benchmarks.runtime import free_port
from tests.support.servers.http_server import ANSWER_S
from tests.support.servers.pilito import PilitoProcess

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

SECRET = "what the app shares with Meta"
RAY_IS_UP = b"Ray runtime started"


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    # A short path: Ray puts sockets deep below it.
    with tempfile.TemporaryDirectory(prefix="joined-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def cluster(home: Path) -> Iterator[Mapping[str, str]]:
    """A Ray that wants a token; yields what whoever may join it has to set."""
    port = free_port()
    keys = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": "a token of this test, long enough for Ray",
        # Otherwise Ray would take loopback for the machine's public address.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    }
    ray_program = str(Path(sys.executable).with_name("ray"))
    options = {
        "--port": str(port),
        "--node-ip-address": "127.0.0.1",
        "--include-dashboard": "false",
        "--temp-dir": str(home / "ray"),
        "--num-cpus": "2",
    }
    with subprocess.Popen(
        [ray_program, "start", "--head", "--block", *chain(*options.items())],
        env=os.environ | keys | {"RAY_USAGE_STATS_ENABLED": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as ray:
        assert ray.stdout is not None
        said = b""
        while RAY_IS_UP not in said:
            line = ray.stdout.readline()
            assert line, said.decode()
            said += line
        yield keys | {"RAY_ADDRESS": f"127.0.0.1:{port}"}
        assert ray.poll() is None, "the cluster is not ours to stop"
        # Killed, and with all that it has started: asked gently it takes half a minute.
        for process in psutil.Process(ray.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        ray.kill()


def test_it_runs_there_and_leaves_no_secret_in_the_clusters_logs(
    cluster: Mapping[str, str], home: Path
) -> None:
    environment = {**cluster, "PILITO_INSTAGRAM_APP_SECRET": SECRET}
    with PilitoProcess(home / "var", environment=environment) as guest:
        guest.wait_until_it_says()
        ready = httpx.get(f"{guest.url}/readyz", timeout=ANSWER_S)
        assert ready.is_success, ready.text
        # The secret has reached the worker that needs it.
        webhook = f"{guest.url}/webhooks/instagram/"
        assert httpx.post(webhook, content=b"{}", timeout=ANSWER_S).status_code == 401
        logs = [path for path in (home / "ray").glob("*/logs/**/*") if path.is_file()]
        with_settings = [path for path in logs if b"PILITO_" in path.read_bytes()]
        assert with_settings, "the cluster has logged nothing of us"
        key = (home / "var" / "secret_key").read_bytes().strip()
        for path in with_settings:
            assert SECRET.encode() not in path.read_bytes()
            assert key not in path.read_bytes()
        code, _ = guest.stop()
        assert code == 0, guest.output
    assert not (home / "var" / "secrets").exists()


def test_a_wrong_token_is_one_line_that_names_it(
    cluster: Mapping[str, str], home: Path
) -> None:
    environment = {
        **cluster,
        "RAY_AUTH_TOKEN": "a guess, but as long as a token",
        # Ray would go on asking for twenty seconds.
        "RAY_gcs_server_port_wait_time_s": "1",
    }
    with PilitoProcess(home / "stranger", environment=environment) as stranger:
        assert stranger.wait() == 1
        (line,) = [one for one in stranger.output.splitlines() if one.startswith("✗")]
        assert "InvalidAuthToken" in line
