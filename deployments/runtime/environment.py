"""The environment that Ray reads, and why each variable is what it is."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from deployments.runtime.ports import Ports
from deployments.runtime.ray_workarounds import haproxy, loopback
from deployments.runtime.runtime_dir import RuntimeDir

#: Ray's own settings, with values that a user may replace.
TUNING: Mapping[str, str] = {
    # 182 requests a second without these two, more than 2,000 with them.
    "RAY_SERVE_ENABLE_HA_PROXY": "1",
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
    "RAY_SERVE_HAPROXY_NBTHREAD": "2",
    # By default a client may be silent for an hour. Whoever waits for an answer is
    # not meant, and WebSockets have a time-out of their own.
    "RAY_SERVE_HAPROXY_TIMEOUT_CLIENT_S": "60",
    "HAPROXY_TIMEOUT_HTTP_REQUEST": "10s",
    "HAPROXY_TIMEOUT_TUNNEL": "1h",
    # There is no load balancer outside that would need time to notice a replica go.
    "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "0",
    # A reloaded HAProxy lets its predecessor finish WebSockets for this long; a port
    # is not given to another replica before the predecessor is gone.
    "RAY_SERVE_HAPROXY_HARD_STOP_AFTER_S": "30",
    "RAY_SERVE_PORT_QUARANTINE_S": "35",
    # Serve's controller wakes up ten times a second by default, which was a third of
    # what the idle runtime took; a dead replica is found by its health check instead.
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.25",
    # A HAProxy that was killed is back after three checks: 30 s by default.
    "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "1",
    # HAProxy would report each request to a Python process that counts it: a tenth of
    # the processor time of a webhook. Our `/metrics` counts what matters by itself.
    "RAY_SERVE_HAPROXY_METRICS_ENABLED": "0",
    # The same for Ray's own counts: every call between actors is recorded and sent.
    "RAY_task_events_report_interval_ms": "0",
    "RAY_enable_metrics_collection": "0",
    # Ray's default lets each of some forty logs grow to 3 GB.
    "RAY_ROTATION_MAX_BYTES": str(20 * 2**20),
    "RAY_ROTATION_BACKUP_COUNT": "1",
}

DEFAULT_LIMITS = haproxy.ConnectionLimits()


def build_environment(
    folder: RuntimeDir,
    ports: Ports,
    *,
    token_path: Path,
    limits: haproxy.ConnectionLimits = DEFAULT_LIMITS,
) -> Mapping[str, str]:
    """Return the variables to set before Ray is imported.

    Only for a local Ray; a cluster that we join has its own.
    """
    first, last = ports.replicas
    first_grpc, last_grpc = ports.replicas_grpc
    tuning = {name: os.environ.get(name, value) for name, value in TUNING.items()}
    return tuning | {
        **_build_authentication(token_path),
        "RAY_USAGE_STATS_ENABLED": "0",
        **loopback.ENVIRONMENT,
        **haproxy.build_environment(folder.haproxy, ports, limits),
        "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": str(first),
        "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": str(last),
        "RAY_SERVE_DIRECT_INGRESS_MIN_GRPC_PORT": str(first_grpc),
        "RAY_SERVE_DIRECT_INGRESS_MAX_GRPC_PORT": str(last_grpc),
        "DASHBOARD_METRIC_PORT": str(ports.dashboard_metrics),
        "AUTOSCALER_METRIC_PORT": str(ports.autoscaler_metrics),
    }


def _build_authentication(token_path: Path) -> Mapping[str, str]:
    """Let only those use Ray who can read the data directory.

    Ray runs any code that it is sent, and loopback is open to every user of the
    machine and, by a browser, to every web page.
    """
    if any(name.startswith("RAY_AUTH_") for name in os.environ):
        return {}
    if not token_path.exists():
        token_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        token_path.touch(mode=0o600)
        token_path.write_text(secrets.token_hex(32))
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token_path.resolve())}
