"""The real HAProxy, with the configuration that Serve writes and our wrapper mends."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import httpx

from benchmarks.runtime import free_port
from deployments.runtime.environment import build_environment
from deployments.runtime.ports import Ports
from deployments.runtime.ray_workarounds.haproxy import WRAPPER, ConnectionLimits
from deployments.runtime.runtime_dir import RuntimeDir

#: In a process of its own: Serve reads its environment once, when it is imported.
RENDER = """
import sys
from ray.serve._private.haproxy import (
    BackendConfig, HAProxyApi, HAProxyConfig, ServerConfig,
)
from ray.serve.config import HTTPOptions

port, replica = int(sys.argv[1]), int(sys.argv[2])
config = HAProxyConfig(
    http_options=HTTPOptions(host="0.0.0.0", port=port),
    has_received_routes=True, has_received_servers=True, is_head=True,
)
server = ServerConfig(name="replica", host="127.0.0.1", port=replica)
backend = BackendConfig(
    name="web", path_prefix="/", app_name="web", servers=[server],
)
HAProxyApi(config, {"web": backend})._generate_config_file_internal()
"""
#: For HAProxys that truly run: a machine of tests may have few files.
FEW = ConnectionLimits(total=500)
NOTHING: Mapping[str, str] = MappingProxyType({})


class Haproxy:
    """One HAProxy in front of one replica on loopback."""

    def __init__(
        self,
        folder: Path,
        *,
        replica: int = 9,
        limits: ConnectionLimits = FEW,
        changes: Mapping[str, str] = NOTHING,
    ) -> None:
        self.port = free_port()
        runtime_dir = RuntimeDir(folder)
        runtime_dir.prepare()
        self._environment = {
            **os.environ,
            **build_environment(
                runtime_dir,
                Ports(20_000),
                token_path=folder / "token",
                limits=limits,
            ),
            **changes,
        }
        for name in ("METRICS", "STATS"):
            self._environment[f"RAY_SERVE_HAPROXY_{name}_PORT"] = str(free_port())
        self.config = Path(self._environment["RAY_SERVE_HAPROXY_CONFIG_FILE_LOC"])
        rendered = subprocess.run(
            [sys.executable, "-c", RENDER, str(self.port), str(replica)],
            env=self._environment,
            check=False,
            capture_output=True,
            text=True,
        )
        assert rendered.returncode == 0, rendered.stderr

    @property
    def url(self) -> str:
        """The address of its HTTP frontend."""
        return f"http://127.0.0.1:{self.port}"

    def check(self) -> str:
        """Have the wrapper mend the file and HAProxy judge it; return the file."""
        finished = subprocess.run(
            [WRAPPER, "-c", "-f", self.config],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        return self.config.read_text()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run it until the block ends."""
        with subprocess.Popen(
            [WRAPPER, "-db", "-f", self.config], env=self._environment
        ) as process:
            try:
                self._wait()
                yield
            finally:
                process.terminate()

    def _wait(self) -> None:
        give_up_at = time.monotonic() + 30
        while True:
            try:
                httpx.get(f"{self.url}/-/routes")
            except httpx.TransportError:
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(0.02)
            else:
                return
