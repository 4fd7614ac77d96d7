"""Gives the dashboard agent of a local Ray a port of its own.

Ray: 2.60.0
Problem: `ray start` has an option for this port, `ray.init` has none. The agent of a
    second Ray on the machine waits for the first one's port and then does without its
    HTTP server.
Needless: `ray.init` takes `dashboard_agent_listen_port` (ray-project/ray#34886, closed
    without it).
"""

from functools import partial


def set_agent_port(port: int) -> None:
    """Let the next `ray.init` of this process start its agent on `port`."""
    from ray._private import parameter

    vars(parameter)["RayParams"] = partial(
        parameter.RayParams, dashboard_agent_listen_port=port
    )
