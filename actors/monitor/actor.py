"""The Ray shell of the monitor: opens its connections, starts it, answers for it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import ray

from actors.clock import SystemClock
from actors.monitor.alert_dispatcher import Postman
from actors.monitor.housekeeping import Upkeep
from actors.monitor.monitor import Duty, Monitor, MonitorParts
from actors.monitor.ports import Way
from persistence.check_requests import CHANNEL
from persistence.database import Pool, open_pool
from persistence.ids import ServiceId
from persistence.listener import Listener
from persistence.monitor import CheckRow, RouteKind


@dataclass(frozen=True, slots=True)
class MonitorPlan:
    """All that the monitor's process needs to begin; travels by pickle."""

    #: The same after a restart, so that a killed monitor need not wait for its lease.
    holder: UUID
    database_url: str
    cron: str
    retention: timedelta


@dataclass(frozen=True, slots=True)
class Opened:
    """What was opened for the monitor, inside its process."""

    parts: MonitorParts
    upkeep: Upkeep
    ways: dict[RouteKind, Way]
    #: What else is done by the one who watches.
    duties: tuple[Duty, ...] = ()


class MonitorOutside(Protocol):
    """Opens, inside the monitor's process, the ways to all that is outside."""

    async def open(self, plan: MonitorPlan, pool: Pool) -> Opened:
        """Open the checker, the logs and the routes of notices."""
        ...


class HealthMonitor:
    """The monitor in a process of its own. It recovers by itself after a crash."""

    async def __init__(self, plan: MonitorPlan, outside: MonitorOutside) -> None:  # type: ignore[misc]
        # Ray awaits it, so a restarted monitor watches before it is called.
        self._pool = await open_pool(plan.database_url, max_size=4)
        opened = await outside.open(plan, self._pool)
        self._monitor = Monitor(opened.parts, plan.cron, plan.holder)
        postman = Postman(
            self._pool,
            SystemClock(),
            opened.parts.cipher,
            opened.ways,
            self._monitor.recorder.has_told,
        )
        # Between two slots: new services, and checks that another runtime is asked for.
        self._listener = Listener(plan.database_url)
        self._listener.on(CHANNEL, self._monitor.bell.hear)
        await self._listener.start()
        self._monitor.add_duty(postman.work)
        self._monitor.add_duty(opened.upkeep.work)
        for duty in opened.duties:
            self._monitor.add_duty(duty)
        await self._monitor.start()

    async def check_now(self, service_id: ServiceId) -> CheckRow:
        """Check a service because a person asked for it; see Monitor.check_now."""
        return await self._monitor.check_now(service_id)

    async def is_running(self) -> bool:
        """Tell whether it watches or stands by."""
        return self._monitor.is_running

    async def is_watching(self) -> bool:
        """Tell whether this runtime is the one that watches."""
        return self._monitor.is_watching

    async def stop(self) -> None:
        """Let the next one watch at once, then close."""
        await self._monitor.stop()
        await self._listener.stop()
        await self._pool.close()


HealthMonitorActor = ray.remote(HealthMonitor)
