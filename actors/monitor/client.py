"""Client of the monitor's actor for the rest of the runtime."""

import asyncio
from datetime import timedelta
from typing import Protocol, cast

import ray
from ray import ObjectRef
from ray.actor import ActorHandle
from ray.exceptions import RayActorError, RayTaskError

from actors.monitor.actor import HealthMonitorActor, MonitorPlan, OpenDependencies
from actors.monitor.errors import MonitorError, MonitorUnavailableError
from persistence.ids import ServiceId
from persistence.monitor import CheckRow

NAMESPACE = "pilito"
NAME = "monitor"
#: A second, unless the machine is busy or imports from a slow disk.
START_TIMEOUT_S = 300.0
#: A health probe waits for the monitor at most this long.
PROBE_TIMEOUT_S = 1.5
#: Three attempts of a minute each, and the pauses between them.
CHECK_TIMEOUT_S = 200.0


class Monitors(Protocol):
    """Checks services on demand."""

    async def check_now(self, service_id: ServiceId) -> CheckRow:
        """Check now and return the stored result.

        Raises:
            MonitorUnavailableError: it is restarting, or the database is away.
            MonitorStandbyError: no runtime is the leader.
            ServiceGoneError: there is no such service.
        """
        ...


class MonitorClient:
    """Calls the monitor's actor with time-outs."""

    async def check_now(self, service_id: ServiceId) -> CheckRow:
        """Check now; see Monitors.check_now."""
        try:
            handle = _find()
            call: ObjectRef[CheckRow] = handle.check_now.remote(service_id)
            return await asyncio.wait_for(
                asyncio.wrap_future(call.future()), CHECK_TIMEOUT_S
            )
        except RayTaskError as error:
            if isinstance(error.cause, MonitorError):
                raise error.cause from None
            raise MonitorUnavailableError from error
        except (RayActorError, ValueError, TimeoutError) as error:
            # ValueError: no actor of that name, yet or any more.
            raise MonitorUnavailableError from error


def start_monitor(plan: MonitorPlan, open_dependencies: OpenDependencies) -> None:
    """Start the monitor and wait until it runs.

    Raises:
        ray.exceptions.RayError: it did not start; its reason is in the text.
    """
    options = HealthMonitorActor.options(
        name=NAME,
        namespace=NAMESPACE,
        lifetime="detached",
        get_if_exists=True,
        num_cpus=0,
        max_restarts=-1,
        # A caller repeats a check on demand if it wants to.
        max_task_retries=0,
        max_concurrency=1000,
    )
    handle = cast("ActorHandle[object]", options.remote(plan, open_dependencies))
    started: ObjectRef[bool] = handle.is_running.remote()
    ray.get(started, timeout=START_TIMEOUT_S)


def stop_monitor(timeout: timedelta) -> None:
    """Let the monitor release its lease, then end its process."""
    try:
        handle = _find()
    except ValueError:  # It never started.
        return
    stopped: ObjectRef[None] = handle.stop.remote()
    ray.wait([stopped], timeout=timeout.total_seconds())
    ray.kill(handle)


async def ask_is_leader() -> bool | None:
    """Ask whether this runtime is the leader; None when the monitor does not answer."""
    try:
        handle = _find()
        call: ObjectRef[bool] = handle.is_leader.remote()
        return await asyncio.wait_for(
            asyncio.wrap_future(call.future()), PROBE_TIMEOUT_S
        )
    except (RayActorError, RayTaskError, ValueError, TimeoutError):
        return None


def _find() -> "ActorHandle[object]":
    handle: ActorHandle[object] = ray.get_actor(NAME, namespace=NAMESPACE)
    return handle
