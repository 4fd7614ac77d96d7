"""Starts a real runtime in a folder of its own, for the time of a measurement."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import httpx

#: Ten times what it takes on two idle cores.
START_TIMEOUT_S = 300.0
STOP_TIMEOUT_S = 30.0
#: What `pilito up` prints when everything is there.
READY = "Pilito is ready"


@dataclass(frozen=True, slots=True)
class RunningRuntime:
    """A runtime that answers; `start_s` is how long that took."""

    port: int
    data_dir: Path
    pid: int
    start_s: float

    @property
    def url(self) -> str:
        """The address of its HTTP server."""
        return f"http://127.0.0.1:{self.port}"

    def sign_in(self, username: str = "demo", password: str = "demo") -> httpx.Client:  # noqa: S107 - the demo shop's
        """Return a client that is signed in."""
        account = _Account(f"{self.url}/api/token/", username, password)
        return httpx.Client(base_url=self.url, timeout=60, auth=account)

    def settle(self) -> None:
        """Wait until the demo shop's documents have their vectors.

        Until then they take a processor that what is measured would need.
        """
        with self.sign_in() as client:
            while not _is_embedded(client):
                time.sleep(1.0)


class _Account(httpx.Auth):
    """Signs in, and again when the token has run out, as it does after half an hour."""

    requires_response_body = True

    def __init__(self, address: str, username: str, password: str) -> None:
        self._address = address
        self._who = {"username": username, "password": password}
        self._token = ""

    def auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """Ask, with a new token if the old one is no longer taken."""
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
            answer = yield request
            if answer.status_code != httpx.codes.UNAUTHORIZED:
                return
        signed_in = yield httpx.Request("POST", self._address, json=self._who)
        self._token = signed_in.raise_for_status().json()["access"]
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


def _is_embedded(client: httpx.Client) -> bool:
    path: str | None = "/api/knowledge/documents/?page_size=100"
    while path is not None:
        page = client.get(path).raise_for_status().json()
        if any(row["state"] == "pending" for row in page["results"]):
            return False
        path = page["next"]
    return True


def free_port() -> int:
    """Find a port that nobody listens on.

    It lies below those that Ray gives to its workers, a runtime to its replicas, and
    the kernel to connections: one of them could have it before somebody listens there.
    """
    while True:
        port = random.randrange(4_000, 8_000)  # noqa: S311 - no secret
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def started(
    environment: Mapping[str, str] = MappingProxyType({}),
    *,
    data_dir: Path | None = None,
) -> Iterator[RunningRuntime]:
    """Run `pilito up --demo` until the block ends.

    Raises:
        RuntimeError: it did not become ready; its output is in the text.
    """
    with tempfile.TemporaryDirectory(prefix="pilito-") as folder:
        home = data_dir or Path(folder) / "var"
        port = free_port()
        output = Path(folder) / "output"
        began = time.perf_counter()
        with output.open("wb") as sink:
            process = subprocess.Popen(
                [Path(sys.executable).with_name("pilito"), "up", "--demo"],
                env={
                    **os.environ,
                    "PILITO_HTTP_PORT": str(port),
                    "PILITO_DASHBOARD_PORT": str(free_port()),
                    "PILITO_DATA_DIR": str(home),
                    **environment,
                },
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            _wait_until_ready(process, port, output)
            elapsed = time.perf_counter() - began
            yield RunningRuntime(port, home, process.pid, elapsed)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_ready(
    process: "subprocess.Popen[bytes]", port: int, output: Path
) -> None:
    give_up_at = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < give_up_at and process.poll() is None:
        # It says so when the demo shop is filled as well.
        said = output.read_text(encoding="utf-8", errors="replace")
        ready = f"http://127.0.0.1:{port}/readyz"
        if READY in said and httpx.get(ready, timeout=60).is_success:
            return
        time.sleep(0.1)
    text = output.read_text(encoding="utf-8", errors="replace")
    message = f"the runtime did not become ready:\n{text}"
    raise RuntimeError(message)
