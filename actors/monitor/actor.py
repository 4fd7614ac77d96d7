"""The monitor as a Ray actor: opens its connections, starts it, answers calls."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias
from uuid import UUID

import ray

from actors.clock import SystemClock
from actors.monitor.alert_dispatcher import AlertDispatcher, Notifier
from actors.monitor.monitor import BackgroundJob, Monitor, MonitorDependencies
from persistence.check_requests import CHANNEL
from persistence.database import Pool, open_pool
from persistence.ids import ServiceId
from persistence.listener import Listener
from persistence.monitor import CheckRow, RouteKind


@dataclass(frozen=True, slots=True)
class MonitorPlan:
    """The configuration of the monitor's process; travels by pickle."""

    #: The same after a restart, so that a killed monitor need not wait for its lease.
    holder: UUID
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
        self._monitor = Monitor(opened.monitor, plan.cron, plan.holder)
        dispatcher = AlertDispatcher(
            self._pool,
            SystemClock(),
            opened.monitor.cipher,
            opened.notifiers,
            self._monitor.recorder.has_alerts,
        )
        self._listener = Listener(plan.database_url)
        self._listener.on(CHANNEL, self._monitor.wakeups.on_notify)
        await self._listener.start()
        for job in (dispatcher.run, *opened.jobs):
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
