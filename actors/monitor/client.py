"""The monitor as a Ray actor, and its client for the rest of the runtime."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeAlias, cast

import ray
from ray import ObjectRef
from ray.actor import ActorHandle
from ray.exceptions import RayActorError, RayTaskError

from actors.clock import SystemClock
from actors.monitor.alert_dispatcher import AlertDispatcher, Notifier
from actors.monitor.alert_summaries import AlertSummaries
from actors.monitor.errors import MonitorError, MonitorUnavailableError
from actors.monitor.monitor import BackgroundJob, Monitor, MonitorDependencies
from persistence.database import Pool, open_pool
from persistence.ids import ServiceId
from persistence.listener import Listener
from persistence.monitor import CheckRow, RouteKind
from persistence.watch import CHANNEL

NAMESPACE = "pilito"
NAME = "monitor"
#: A second, unless the machine is busy or imports from a slow disk.
START_TIMEOUT_S = 300.0
#: A health probe waits for the monitor at most this long.
PROBE_TIMEOUT_S = 1.5
#: Three attempts of a minute each, and the pauses between them.
CHECK_TIMEOUT_S = 200.0


@dataclass(frozen=True, slots=True)
class MonitorPlan:
    """The configuration of the monitor's process; travels by pickle."""

    database_url: str
    cron: str
    retention: timedelta


@dataclass(frozen=True, slots=True)
class ActorDependencies:
    """What the actor opens inside its process."""

    monitor: MonitorDependencies
    notifiers: dict[RouteKind, Notifier]
    #: Run while this process holds the lease, beside the dispatcher of alerts.
    jobs: tuple[BackgroundJob, ...]


#: Called inside the monitor's process; a module's function, as it travels by pickle.
OpenDependencies: TypeAlias = Callable[
    [MonitorPlan, Pool], Awaitable[ActorDependencies]
]


class HealthMonitor:
    """The monitor in a process of its own, which restarts after a crash."""

    async def __init__(  # type: ignore[misc]
        self, plan: MonitorPlan, open_dependencies: OpenDependencies
    ) -> None:
        # Ray awaits this, so a restarted monitor runs before it is called.
        self._pool = await open_pool(plan.database_url, max_size=4)
        opened = await open_dependencies(plan, self._pool)
        self._monitor = Monitor(opened.monitor, plan.cron)
        dispatcher = AlertDispatcher(
            self._pool,
            SystemClock(),
            opened.monitor.cipher,
            opened.notifiers,
            self._monitor.recorder.has_alerts,
        )
        summaries = AlertSummaries(
            self._pool, SystemClock(), self._monitor.recorder.has_alerts
        )
        self._listener = Listener(plan.database_url)
        self._listener.on(CHANNEL, self._monitor.wakeups.on_notify)
        await self._listener.start()
        for job in (dispatcher.run, summaries.run, *opened.jobs):
            self._monitor.add_job(job)
        await self._monitor.start()

    async def check_now(self, service_id: ServiceId) -> CheckRow:
        """Check a service now; see Monitor.check_now."""
        return await self._monitor.check_now(service_id)

    async def is_running(self) -> bool:
        """Tell whether the monitor leads or stands by."""
        return self._monitor.is_running

    async def is_leader(self) -> bool:
        """Tell whether this runtime is the one that checks."""
        return self._monitor.is_leader

    async def stop(self) -> None:
        """Release the lease so that another runtime leads at once, then close."""
        await self._monitor.stop()
        await self._listener.stop()
        await self._pool.close()


HealthMonitorActor = ray.remote(HealthMonitor)


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
