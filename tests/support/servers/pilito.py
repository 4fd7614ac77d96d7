"""`pilito up` as a process of its own, the way a user has it in a terminal."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Self

import asyncpg
import httpx
import psutil

from benchmarks.runtime import RunningRuntime, free_port
from deployments.runtime.orphans import find_processes
from deployments.runtime.runtime_dir import RuntimeDir
from persistence.embedded.server import EmbeddedPostgres
from tests.support.servers.http_server import ANSWER_S

READY = "Pilito is ready"
#: Ten times what it takes on two idle cores.
START_TIMEOUT_S = 300.0
STOP_TIMEOUT_S = 120.0


class PilitoProcess:
    """One `pilito up`, its output in a file; killed at the end if it still runs."""

    def __init__(
        self,
        data_dir: Path,
        *arguments: str,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.dashboard_port = free_port()
        self._arguments = arguments
        self._environment = {
            **os.environ,
            "PILITO_DATA_DIR": str(data_dir),
            "PILITO_HTTP_PORT": str(self.port),
            "PILITO_DASHBOARD_PORT": str(self.dashboard_port),
            **environment,
        }
        self._output = data_dir.parent / f"output-{self.port}"

    def __enter__(self) -> Self:
        """Start it, as the leader of a process group like a shell's job."""
        with self._output.open("wb") as sink:
            self.process = subprocess.Popen(
                [Path(sys.executable).with_name("pilito"), "up", *self._arguments],
                env=self._environment,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it, gently first."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    @property
    def url(self) -> str:
        """The address of its HTTP server."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process that was started."""
        return self.process.pid

    def sign_in(self) -> httpx.Client:
        """Return a client that is signed in to the demo shop."""
        return RunningRuntime(self.port, self.data_dir, self.pid, 0.0).sign_in()

    def is_answering(self) -> bool:
        """Return whether it answers, and well."""
        try:
            return httpx.get(f"{self.url}/healthz", timeout=ANSWER_S).is_success
        except httpx.TransportError:
            return False

    def ask(self, statement: str) -> object:
        """Ask its database; return the first value."""

        async def run() -> object:
            dsn = EmbeddedPostgres(self.data_dir / "postgres").start()
            connection = await asyncpg.connect(dsn)
            try:
                return await connection.fetchval(statement)
            finally:
                await connection.close()

        return asyncio.run(run())

    @property
    def output(self) -> str:
        """All that it has said so far."""
        return self._output.read_text(encoding="utf-8", errors="replace")

    def wait_until_it_says(self, text: str = READY, after: int = 0) -> None:
        """Wait for a text in its output, or for its end."""
        give_up_at = time.monotonic() + START_TIMEOUT_S
        while text not in self.output[after:]:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < give_up_at, self.output
            time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Signal the whole group as Ctrl-C does; return exit code and seconds."""
        begun = time.monotonic()
        os.killpg(self.process.pid, number)
        code = self.process.wait(STOP_TIMEOUT_S)
        return code, time.monotonic() - begun

    def wait(self) -> int:
        """Wait until it has ended by itself, and return its exit code."""
        return self.process.wait(STOP_TIMEOUT_S)

    def find_all(self, title: str) -> list[psutil.Process]:
        """Return its processes whose command line begins so or ends so."""
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error, IndexError):
                program = child.cmdline()[0]
                if program.startswith(title) or program.endswith(title):
                    found.append(child)
        return found

    def find(self, title: str) -> psutil.Process:
        """Return the first of them."""
        found = self.find_all(title)
        assert found, f"no process {title}"
        return found[0]

    def find_postgres(self) -> psutil.Process:
        """Return the database's main process, which is nobody's child."""
        file = self.data_dir / "postgres" / "postmaster.pid"
        return psutil.Process(int(file.read_text().splitlines()[0]))

    def find_listening(self) -> dict[int, str]:
        """Return the address of each port that any of its processes listens on."""
        parent = psutil.Process(self.process.pid)
        pids = {
            process.pid
            for root in (parent, self.find_postgres())
            for process in (root, *root.children(recursive=True))
        }
        listening: dict[int, str] = {}
        for connection in psutil.net_connections("tcp"):
            if connection.pid in pids and connection.laddr:
                ip, port = connection.laddr
                if connection.status == psutil.CONN_LISTEN:
                    listening[port] = ip
        return listening

    def find_remains(self) -> list[str]:
        """Return what is left of it: processes, its folder, its database."""
        folder = RuntimeDir(self.data_dir).path
        remains = []
        for process in find_processes(folder):
            # One that ends while it is looked at does not remain.
            with contextlib.suppress(psutil.NoSuchProcess):
                remains.append(process.name())
        remains += [str(path) for path in (folder,) if path.exists()]
        pid_file = self.data_dir / "postgres" / "postmaster.pid"
        return remains + [str(path) for path in (pid_file,) if path.exists()]


def is_alive(process: psutil.Process) -> bool:
    """Return whether it runs still; one that only nobody has buried does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
