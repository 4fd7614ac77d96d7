"""The Ray cluster that everything runs on: our own, or the one at RAY_ADDRESS."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

import psutil

from deployments.runtime.errors import RayUnavailableError
from deployments.runtime.ray_workarounds.agent_port import set_agent_port
from deployments.runtime.ray_workarounds.connection import check_reachable

NAMESPACE = "pilito"
#: Objects between our processes are small: events, questions, passages.
OBJECT_STORE_BYTES = 100 * 2**20
#: The processes that Ray can't work without; it restarts all others by itself.
ESSENTIAL = ("gcs_server", "raylet")


def find_address() -> str | None:
    """Return the cluster to join, if the user named one."""
    return os.environ.get("RAY_ADDRESS") or None


class LocalRay:
    """A Ray of our own. Its processes end with the thread that called `start`."""

    def __init__(
        self, session_root: Path, *, dashboard_port: int, agent_port: int
    ) -> None:
        self._root = session_root
        self._dashboard_port = dashboard_port
        self._agent_port = agent_port
        self._essential: dict[str, psutil.Process] = {}

    def start(self) -> None:
        """Start Ray and connect to it.

        Raises:
            RayUnavailableError: with the first line of what Ray says.
        """
        import ray

        set_agent_port(self._agent_port)
        try:
            ray.init(
                namespace=NAMESPACE,
                include_dashboard=True,
                dashboard_host="127.0.0.1",
                dashboard_port=self._dashboard_port,
                object_store_memory=OBJECT_STORE_BYTES,
                log_to_driver=False,
                _temp_dir=str(self._root),
                _node_ip_address="127.0.0.1",
            )
        except Exception as error:
            message = f"Ray did not start: {_first_line(error)}"
            raise RayUnavailableError(message) from error
        for child in psutil.Process().children():
            # Ray starts helpers that end by themselves, perhaps just now.
            with contextlib.suppress(psutil.NoSuchProcess):
                if (name := child.name()) in ESSENTIAL:
                    self._essential[name] = child

    def find_dead(self) -> str | None:
        """Return the name of an essential process that has ended, if one has."""
        for name, process in self._essential.items():
            try:
                if process.status() == psutil.STATUS_ZOMBIE:
                    return name
            except psutil.NoSuchProcess:
                return name
        return None

    def stop(self) -> None:
        """Disconnect and stop Ray's processes."""
        import ray

        ray.shutdown()


class JoinedRay:
    """A cluster that somebody else runs; we deploy to it and disconnect."""

    def __init__(self, address: str, *, environment: Mapping[str, str]) -> None:
        self._address = address
        self._environment = environment

    def start(self) -> None:
        """Connect; our workers get our settings with them.

        Raises:
            RayUnavailableError: no cluster answers there.
        """
        import ray

        try:
            check_reachable(self._address)
            ray.init(
                address=self._address,
                namespace=NAMESPACE,
                log_to_driver=False,
                runtime_env={"env_vars": dict(self._environment)},
            )
        except Exception as error:
            reason = _first_line(error)
            if error.__cause__ is not None:
                # "Failed to connect" is all that the first line says of a wrong token.
                reason += f"; {_last_line(error.__cause__)}"
            message = f"RAY_ADDRESS={self._address}: {reason}"
            raise RayUnavailableError(message) from error

    def find_dead(self) -> str | None:
        """Return nothing: a cluster minds its own processes."""
        return None

    def stop(self) -> None:
        """Disconnect; the cluster goes on."""
        import ray

        ray.shutdown()


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def _last_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[-1] if text else type(error).__name__
