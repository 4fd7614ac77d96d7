"""Wires the monitor: what its process opens, and how the runtime starts it."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import NAMESPACE_URL, getnode, uuid5

from actors.clock import SystemClock
from actors.monitor.actor import MonitorPlan, Opened
from actors.monitor.checks.checker import HttpChecker
from actors.monitor.checks.ssrf_guard import Walls
from actors.monitor.client import start_monitor
from actors.monitor.health_log import HealthLog
from actors.monitor.housekeeping import Upkeep
from actors.monitor.monitor import MonitorParts
from config.logging import setup_logging
from config.settings import Settings, load_settings
from deployments.monitoring.analysis_jobs import AnalysesApart
from deployments.monitoring.daily_analysis import DailyAnalysis
from deployments.monitoring.notifiers import build_ways
from deployments.wiring import get_cipher, get_dsn
from persistence.channels import ChannelKind
from persistence.database import Pool

#: Addresses that mean "all of this machine's": it is asked at its own.
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - not bound, asked


@dataclass(frozen=True, slots=True)
class MonitorWays:
    """Opens, inside the monitor's process, the ways to all that is outside."""

    async def open(self, plan: MonitorPlan, pool: Pool) -> Opened:
        """Open the checker, the logs and the routes of notices."""
        settings = load_settings()
        setup_logging(settings.logs_dir, "monitor")
        clock = SystemClock()
        cipher = get_cipher(settings)
        walls = build_walls(settings)
        parts = MonitorParts(
            pool=pool,
            checker=HttpChecker(walls),
            cipher=cipher,
            clock=clock,
            lines=HealthLog(settings.logs_dir, clock, retention=plan.retention),
        )
        upkeep = Upkeep(
            pool,
            clock,
            plan.retention,
            own_url=build_own_url(settings),
            platforms={
                ChannelKind.INSTAGRAM: settings.instagram_graph_url,
                ChannelKind.TELEGRAM: settings.telegram_api_url,
            },
        )
        daily = DailyAnalysis(pool, clock, AnalysesApart(settings), plan.retention)
        return Opened(
            parts, upkeep, build_ways(settings, pool, cipher, walls), (daily.work,)
        )


def build_walls(settings: Settings) -> Walls:
    """Build what checks may not reach."""
    return Walls(
        may_be_private=settings.monitor_private_addresses,
        # Ray's dashboard runs programs for whoever asks it from this machine.
        own_ports=frozenset({settings.dashboard_port}),
    )


def build_own_url(settings: Settings) -> str:
    """Build the address at which this machine reaches its own API."""
    host = EVERYWHERE.get(settings.http_host, settings.http_host)
    return f"http://{host}:{settings.http_port}"


def start(settings: Settings) -> None:
    """Start the monitor's actor."""
    # One runtime on one data directory: after a crash it is the same holder, which
    # need not wait for its own lease to run out.
    place = f"{getnode()}:{settings.data_dir.resolve()}"
    start_monitor(
        MonitorPlan(
            holder=uuid5(NAMESPACE_URL, place),
            database_url=get_dsn(load_settings()),
            cron=settings.health_interval_cron,
            retention=timedelta(days=settings.result_retention_days),
        ),
        MonitorWays(),
    )
