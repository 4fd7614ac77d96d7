"""Accounts on the real runtime: the demo's ends, and a command ends a window."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import pytest

from tests.support.live import Follower
from tests.support.servers.http_server import ANSWER_S, open_socket
from tests.support.servers.pilito import PilitoProcess

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

PASSWORD = "a long enough password"
#: What is promised for an open window.
LIMIT_S = 5.0


def run_pilito(runtime: PilitoProcess, *arguments: str) -> None:
    environment = {
        **os.environ,
        "PILITO_DATA_DIR": str(runtime.data_dir),
        "PILITO_PASSWORD": PASSWORD,
    }
    command = [str(Path(sys.executable).with_name("pilito")), *arguments]
    subprocess.run(command, env=environment, check=True, timeout=300)


def ask_tokens(runtime: PilitoProcess, username: str, password: str) -> httpx.Response:
    credentials = {"username": username, "password": password}
    address = f"{runtime.url}/api/token/"
    return httpx.post(address, json=credentials, timeout=ANSWER_S)


async def watch_until_disabled(runtime: PilitoProcess, access: str) -> None:
    address = f"ws://127.0.0.1:{runtime.port}/ws/conversations/?token={access}"
    async with open_socket(address) as socket:
        window = Follower(socket)
        assert (await window.read_frame())["type"] == "welcome"
        await asyncio.to_thread(run_pilito, runtime, "disable", "sara")
        # The command has ended, so its transaction has.
        async with asyncio.timeout(LIMIT_S):
            await window.read_to_the_end()
        assert socket.close_code == 4401


def test_trust_c1_the_demo_ends_with_its_runtime() -> None:
    with tempfile.TemporaryDirectory(prefix="accounts-") as folder:
        data_dir = Path(folder) / "var"
        with PilitoProcess(data_dir, "--demo") as demo:
            demo.wait_until_it_says()
            signed_in = ask_tokens(demo, "demo", "demo")
            assert signed_in.status_code == 200, signed_in.text
            demo.stop(signal.SIGINT)
        with PilitoProcess(data_dir) as real:
            real.wait_until_it_says()
            assert ask_tokens(real, "demo", "demo").status_code == 401
            refresh = {"refresh": signed_in.json()["refresh"]}
            address = f"{real.url}/api/token/refresh/"
            again = httpx.post(address, json=refresh, timeout=ANSWER_S)
            assert again.status_code == 401
            assert real.ask("SELECT count(*) FROM flags") == 0
            # H5, on the same runtime: a command ends an open window.
            run_pilito(real, "createuser", "sara", "--tenant", "shop")
            tokens = ask_tokens(real, "sara", PASSWORD)
            assert tokens.status_code == 200, tokens.text
            asyncio.run(watch_until_disabled(real, tokens.json()["access"]))
            assert ask_tokens(real, "sara", PASSWORD).status_code == 401
            real.stop(signal.SIGINT)
