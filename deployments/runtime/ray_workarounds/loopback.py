"""Keeps a local Ray on loopback: its node's address, and the servers in its workers.

Ray: 2.60.0
Problem: On Linux `ray.init(_node_ip_address="127.0.0.1")` is replaced by the machine's
    public address. Each Serve replica opens a gRPC server for calls between deployments
    on `[::]`, without authentication, and unpickles what arrives there: anybody in the
    same network could run code in it. No setting changes either.
Needless: Serve's gRPC server binds to the node's address, or can be told where to bind
    (ray-project/ray#64544 asks for its port), and `ray.init` keeps an address of
    loopback that it was given.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

ENVIRONMENT: Mapping[str, str] = {
    # Despite its name (ray-project/ray#31166) it decides on every system whether
    # 127.0.0.1 may stay the node's address.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    # The variable that `runtime_env={"worker_process_setup_hook": ...}` sets in each
    # worker. By `runtime_env` it costs four seconds of the start, because no worker can
    # be started ahead of its environment.
    "__RAY_WORKER_PROCESS_SETUP_HOOK_ENV_VAR": f"{__name__}.install",
}


class GrpcServer(Protocol):
    """The part of gRPC's server that is used: binding to an address."""

    def add_insecure_port(self, address: str) -> int:
        """Bind to `address` and return the port."""


def install() -> None:
    """Let every server that a worker opens for its peers bind to loopback.

    Ray calls this function in each new worker, before it imports anything of Serve.
    """
    from ray._common import tls_utils

    bind: Callable[[GrpcServer, str], int] = tls_utils.add_port_to_grpc_server

    def bind_to_loopback(server: GrpcServer, address: str) -> int:
        return bind(server, f"127.0.0.1:{address.rpartition(':')[2]}")

    tls_utils.add_port_to_grpc_server = bind_to_loopback
