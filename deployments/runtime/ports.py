"""The ports that the runtime takes, and the check that they are free."""

import errno
import hashlib
import os
import socket
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from deployments.runtime.errors import LaunchError, PortTakenError

#: Below the range that systems hand out for outgoing connections, so that nobody's
#: connection sits on a port that we chose.
LOWEST = 20_000
BLOCK = 64
BLOCKS = 190
#: As many replicas can answer HTTP behind HAProxy at once.
REPLICA_PORTS = 54


@dataclass(frozen=True, slots=True)
class Ports:
    """The block of ports that one local runtime uses for itself, on loopback."""

    base: int

    @property
    def haproxy_metrics(self) -> int:
        """HAProxy's own metrics."""
        return self.base

    @property
    def haproxy_stats(self) -> int:
        """HAProxy's statistics page."""
        return self.base + 1

    @property
    def fallback_proxy(self) -> int:
        """Serve's Python proxy, which answers while no replica does."""
        return self.base + 2

    @property
    def dashboard_metrics(self) -> int:
        """What Ray's dashboard tells about itself."""
        return self.base + 3

    @property
    def autoscaler_metrics(self) -> int:
        """What Ray's autoscaler tells about itself."""
        return self.base + 4

    @property
    def dashboard_agent(self) -> int:
        """The agent that reports this machine to the dashboard."""
        return self.base + 5

    @property
    def replicas(self) -> tuple[int, int]:
        """First and last port of the replicas' own HTTP servers."""
        return self.base + 6, self.base + 6 + REPLICA_PORTS - 1

    @property
    def replicas_grpc(self) -> tuple[int, int]:
        """The same for gRPC, which nobody speaks here."""
        return self.base + 6 + REPLICA_PORTS, self.base + BLOCK - 1


def check_free(host: str, port: int, *, setting: str) -> None:
    """Make sure that we can listen there.

    Raises:
        PortTakenError: with the setting that moves Pilito elsewhere.
    """
    try:
        _try_to_bind(host, port)
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            message = f"PILITO_HTTP_HOST: {host} is not an address of this machine."
        else:
            message = (
                f"Port {port} on {host} can't be used ({error.strerror})."
                f" Free it, or set {setting} to another."
            )
        raise PortTakenError(message) from error


def find_block(data_dir: Path, wanted: Collection[int] = ()) -> Ports:
    """Choose a block of free ports, the same for a data directory whenever possible.

    Two runtimes that start in the same second would see the same block free; that it
    depends on the data directory keeps them apart. None of `wanted` is in it: those
    ports are free still, and somebody is going to listen there.

    Raises:
        LaunchError: no block is free, which takes some hundred runtimes.
    """
    digest = hashlib.sha256(os.fsencode(data_dir.resolve())).digest()
    first = int.from_bytes(digest[:4], "big")
    for step in range(BLOCKS):
        base = LOWEST + BLOCK * ((first + step) % BLOCKS)
        block = range(base, base + BLOCK)
        if not any(port in block for port in wanted) and all(map(_is_free, block)):
            return Ports(base)
    message = f"No {BLOCK} free ports in a row were found from {LOWEST} on."
    raise LaunchError(message)


def _is_free(port: int) -> bool:
    try:
        _try_to_bind("127.0.0.1", port)
    except OSError:
        return False
    return True


def _try_to_bind(host: str, port: int) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        # As the servers do: connections of a runtime just stopped may linger.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
