"""Builds the walls around all that a tenant may have us ask over the network."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import ModuleType
from urllib.parse import urlsplit

import psutil
import structlog

from actors.monitor.checks.ssrf_guard import EgressPolicy, find_url_refusal
from actors.tasks import SingleFlight
from config.networks import is_loopback
from config.settings import Settings, SettingsError
from deployments.wiring import get_dsn
from persistence.database import Pool
from persistence.errors import DATABASE_AWAY
from persistence.tenants import fetch_only_tenant

#: Ports of Serve on this machine: the variable that names each, and Serve's default.
SERVE_PORTS: Mapping[str, int] = {
    "RAY_SERVE_HAPROXY_METRICS_PORT": 9101,
    "RAY_SERVE_HAPROXY_STATS_PORT": 8404,
    "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": 8500,
    "RAY_SERVE_FALLBACK_PROXY_GRPC_PORT": 9500,
    "DASHBOARD_METRIC_PORT": 44227,
    "AUTOSCALER_METRIC_PORT": 44217,
}
#: First and last port of the replicas' own servers.
REPLICA_PORTS: Mapping[tuple[str, str], tuple[int, int]] = {
    (
        "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT",
        "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT",
    ): (30_000, 31_000),
    (
        "RAY_SERVE_DIRECT_INGRESS_MIN_GRPC_PORT",
        "RAY_SERVE_DIRECT_INGRESS_MAX_GRPC_PORT",
    ): (40_000, 41_000),
}
#: Set by `pilito up` where Ray is its own.
LOCAL_RAY = "RAY_SERVE_HAPROXY_METRICS_PORT"
#: Ports of any Ray cluster: GCS, dashboard, agent, Ray Client.
RAY_PORTS = frozenset({6379, 8265, 52365, 10001})
#: Programs of a Ray on this machine, whose ports are chosen anew at each start.
RAY_PROGRAMS = ("ray::", "ray-dashboard", "gcs_server", "raylet")
#: The list of listening sockets takes some 50 ms.
LISTENERS_AGE = timedelta(seconds=5)
DEFAULT_PORTS = {"postgresql": 5432, "postgres": 5432, "redis": 6379, "rediss": 6379}

log = structlog.get_logger("egress")


def explain_private_addresses(settings: Settings) -> str | None:
    """Return why the settings forbid private addresses; None if they allow them."""
    if not settings.monitor_private_addresses:
        return "PILITO_MONITOR_PRIVATE_ADDRESSES is false"
    if settings.public_url is not None:
        return "PILITO_PUBLIC_URL is set"
    if not is_loopback(settings.http_host):
        return f"PILITO_HTTP_HOST is {settings.http_host}, which others can reach"
    return None


def build_egress_policy(settings: Settings, pool: Pool) -> EgressPolicy:
    """Build the policy of checks, webhooks and whatever else a tenant aims.

    Private addresses are allowed only where nobody else can be harmed: one tenant, and
    a runtime that only its own machine can reach. The tenants are counted at each use.
    """
    reason = explain_private_addresses(settings)
    if reason is not None:
        log.info("private_addresses_forbidden", reason=reason)
    return EgressPolicy(
        allow_private=reason is None,
        is_private_allowed=OnlyTenant(pool).exists,
        own_ports=frozenset(_find_own_ports(settings)),
        own_endpoints=frozenset(_find_own_endpoints(settings)),
        is_own_listener=RayListeners().has,
    )


async def check_target(policy: EgressPolicy, url: str) -> str | None:
    """Return why an address can't be a target, to refuse it when it is saved.

    For the fields of services, alert routes, workflows and imports. The address must
    have passed `check_url`. At each request the connection is judged again: send it by
    a client of `ssrf_guard.open_guarded_client`.
    """
    reason = await find_url_refusal(policy, url)
    return None if reason is None else f"this address is never reached: {reason}"


class OnlyTenant:
    """Tells whether there is exactly one tenant, at each question anew."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._questions: SingleFlight[None, bool] = SingleFlight()
        self._known = False

    async def exists(self) -> bool:
        """Return whether exactly one tenant exists."""
        return await self._questions.run(None, self._ask)

    async def _ask(self) -> bool:
        # No tenant appears in a database that is away, so what is known stays true.
        with contextlib.suppress(*DATABASE_AWAY):
            self._known = await fetch_only_tenant(self._pool) is not None
        return self._known


@dataclass(slots=True)
class RayListeners:
    """Knows the ports of this machine on which Ray's processes listen."""

    _ports: frozenset[int] = frozenset()
    _read_at: float = field(default=float("-inf"))

    async def has(self, port: int) -> bool:
        """Return whether one of them listens on the port."""
        if time.monotonic() - self._read_at > LISTENERS_AGE.total_seconds():
            self._ports = await asyncio.to_thread(_find_ray_listeners)
            self._read_at = time.monotonic()
        return port in self._ports


def _find_ray_listeners() -> frozenset[int]:
    owners: dict[int, bool] = {}
    ports: set[int] = set()
    for connection in psutil.net_connections("tcp"):
        pid, local = connection.pid, connection.laddr
        if connection.status != psutil.CONN_LISTEN or not pid or not local:
            continue
        if pid not in owners:
            owners[pid] = _is_ray(pid)
        if owners[pid]:
            ports.add(local.port)
    return frozenset(ports)


def _is_ray(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        words = (process.name(), *process.cmdline()[:1])
    except psutil.Error:
        return False
    return any(word.rpartition("/")[2].startswith(RAY_PROGRAMS) for word in words)


def _find_own_ports(settings: Settings) -> Iterator[int]:
    yield from (settings.http_port, settings.dashboard_port)
    if LOCAL_RAY not in os.environ and _find_ray() is None:
        return  # A process without Serve, such as a test's.
    for name, default in SERVE_PORTS.items():
        yield int(os.environ.get(name, default))
    for names, defaults in REPLICA_PORTS.items():
        first, last = (
            int(os.environ.get(name, default))
            for name, default in zip(names, defaults, strict=True)
        )
        yield from range(first, last + 1)


def _find_own_endpoints(settings: Settings) -> Iterator[tuple[str, int]]:
    """Yield host and port of the parts that may be on other machines."""
    secrets = [settings.redis_url.get_secret_value()] if settings.redis_url else []
    with contextlib.suppress(SettingsError):
        secrets.append(get_dsn(settings))
    for address in secrets:
        parts = urlsplit(address)
        # A list of hosts is PostgreSQL's; each may have a port of its own.
        for place in parts.netloc.rpartition("@")[2].split(","):
            one = urlsplit(f"//{place}")
            if one.hostname and parts.scheme in DEFAULT_PORTS:
                yield one.hostname, one.port or DEFAULT_PORTS[parts.scheme]
    yield from _find_cluster_endpoints(settings)


def _find_cluster_endpoints(settings: Settings) -> Iterator[tuple[str, int]]:
    ports: set[int] = set()
    address = os.environ.get("RAY_ADDRESS", "").rpartition("//")[2]
    if LOCAL_RAY not in os.environ:
        # A cluster that somebody else runs, with ports that we can only assume.
        ports |= {*RAY_PORTS, *SERVE_PORTS.values()}
        ports |= {settings.http_port, settings.dashboard_port}
    hosts: set[str] = set()
    if address and address not in {"auto", "local"}:
        host, _, port = address.partition("/")[0].rpartition(":")
        hosts.add(host or port)
        ports |= {int(port)} if host and port.isdigit() else set()
    ray = _find_ray()
    if ray is not None:
        host, _, port = ray.get_runtime_context().gcs_address.rpartition(":")
        hosts.add(host)
        ports.add(int(port))
        for node in ray.nodes():
            hosts.add(str(node["NodeManagerAddress"]))
            names = ("NodeManagerPort", "ObjectManagerPort", "MetricsExportPort")
            ports |= {int(node[name]) for name in names if node.get(name)}
    for host in hosts:
        yield from ((host.strip("[]"), port) for port in ports)


def _find_ray() -> ModuleType | None:
    """Return Ray's module in a process that is part of a cluster."""
    ray = sys.modules.get("ray")
    return ray if ray is not None and ray.is_initialized() else None
