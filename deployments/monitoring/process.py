"""Wires the monitor: opens the dependencies of its process, and starts it."""

from datetime import timedelta

from actors.clock import SystemClock
from actors.monitor.checks.checker import HttpChecker
from actors.monitor.checks.network_probe import NetworkProbe
from actors.monitor.client import ActorDependencies, MonitorPlan, start_monitor
from actors.monitor.health_log import HealthLog
from actors.monitor.housekeeping import Housekeeping
from actors.monitor.monitor import MonitorDependencies
from config.logging import setup_logging
from config.settings import Settings, load_settings
from deployments.egress import build_egress_policy
from deployments.health.probes import PARTS, UNWATCHED_PARTS
from deployments.monitoring.analysis_jobs import RayAnalysis
from deployments.monitoring.confirmations import ConfirmationMailer
from deployments.monitoring.daily_analysis import DailyAnalysis
from deployments.monitoring.notifiers import build_mail_server, build_notifiers
from deployments.wiring import get_cipher, get_dsn
from persistence.channels import ChannelKind
from persistence.database import Pool

#: Wildcard addresses, and the loopback address to call instead.
LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - called, not bound


async def open_dependencies(plan: MonitorPlan, pool: Pool) -> ActorDependencies:
    """Open the checker, the logs and the notifiers inside the monitor's process."""
    settings = load_settings()
    setup_logging(settings.logs_dir, "monitor")
    clock = SystemClock()
    cipher = get_cipher(settings)
    policy = build_egress_policy(settings, pool)
    housekeeping = Housekeeping(
        pool,
        clock,
        plan.retention,
        own_url=build_own_url(settings),
        # A monitor that is down can't report itself.
        parts=[part for part in PARTS if part not in UNWATCHED_PARTS],
        platforms={
            ChannelKind.INSTAGRAM: settings.instagram_graph_url,
            ChannelKind.TELEGRAM: settings.telegram_api_url,
        },
    )
    daily = DailyAnalysis(pool, clock, RayAnalysis(), plan.retention)
    jobs = [housekeeping.run, daily.run]
    server = build_mail_server(settings)
    if server is not None:
        base_url = settings.public_url or build_own_url(settings)
        mailer = ConfirmationMailer(pool, clock, cipher, server, base_url)
        jobs.append(mailer.run)
    return ActorDependencies(
        monitor=MonitorDependencies(
            pool=pool,
            checker=HttpChecker(policy),
            cipher=cipher,
            clock=clock,
            lines=HealthLog(settings.logs_dir, clock, retention=plan.retention),
            network=NetworkProbe(settings.network_probe_endpoints),
        ),
        notifiers=build_notifiers(settings, pool, cipher, policy),
        jobs=tuple(jobs),
    )


def build_own_url(settings: Settings) -> str:
    """Build the address at which this machine reaches its own API."""
    host = LOOPBACK.get(settings.http_host, settings.http_host)
    return f"http://{host}:{settings.http_port}"


def start(settings: Settings) -> None:
    """Start the monitor's actor."""
    start_monitor(
        MonitorPlan(
            database_url=get_dsn(load_settings()),
            cron=settings.health_interval_cron,
            retention=timedelta(days=settings.result_retention_days),
        ),
        open_dependencies,
    )
