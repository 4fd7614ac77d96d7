"""Keeps the servers inside Ray's workers on loopback when the node itself is."""

from collections.abc import Callable
from typing import Protocol


class GrpcServer(Protocol):
    """What is needed of gRPC's server: a place to bind."""

    def add_insecure_port(self, address: str) -> int:
        """Bind to `address` and return the port."""


def install() -> None:
    """Let every server that a worker opens for its peers bind to loopback.

    Each Serve replica opens a gRPC server for calls between deployments on `[::]`,
    without authentication, and unpickles what arrives there: anybody in the same
    network could run code in it. No setting changes the address. Ray calls this
    function in each new worker, before it imports anything of Serve.
    """
    from ray._common import tls_utils

    bind: Callable[[GrpcServer, str], int] = tls_utils.add_port_to_grpc_server

    def bind_to_loopback(server: GrpcServer, address: str) -> int:
        return bind(server, f"127.0.0.1:{address.rpartition(':')[2]}")

    tls_utils.add_port_to_grpc_server = bind_to_loopback
