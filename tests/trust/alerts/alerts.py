"""Alerts, their routes, and a dispatcher of them over a real database."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from uuid import uuid4

import orjson
from pydantic import SecretStr

from actors.clock import Clock
from actors.monitor.alert_dispatcher import AlertDispatcher
from actors.monitor.checks.ssrf_guard import EgressPolicy
from config.settings import Settings
from deployments.monitoring.mail import EmailNotifier, MailServer
from deployments.monitoring.notifiers import build_notifiers
from persistence.alert_routes import create_route
from persistence.alerts import insert_alerts
from persistence.database import Pool
from persistence.ids import AlertId, ResultId, ServiceId, TenantId
from persistence.monitor import AlertKind, AlertRow, RouteKind, RouteRow
from tests.support.clock import NOON
from tests.support.monitors import CIPHER

SENDER = "pilito@shop.example.com"
#: A mail that hangs is given up quickly.
MAIL_TIMEOUT_S = 1.0


def build_dispatcher(
    pool: Pool,
    clock: Clock,
    *,
    smtp_url: str = "smtp://127.0.0.1:9",
    telegram_url: str = "http://127.0.0.1:9",
) -> AlertDispatcher:
    """Build a dispatcher that may reach this machine."""
    settings = Settings(smtp_url=SecretStr(smtp_url), telegram_api_url=telegram_url)
    notifiers = build_notifiers(settings, pool, CIPHER, EgressPolicy())
    server = MailServer(smtp_url, SENDER, timeout_s=MAIL_TIMEOUT_S)
    notifiers[RouteKind.EMAIL] = EmailNotifier(server)
    return AlertDispatcher(pool, clock, CIPHER, notifiers, asyncio.Event())


async def add_route(
    pool: Pool, tenant_id: TenantId, kind: RouteKind, target: Mapping[str, str]
) -> RouteRow:
    """Add a route that is in use."""
    encrypted = CIPHER.encrypt(orjson.dumps(dict(target)))
    return await create_route(pool, tenant_id, kind, str(uuid4()), encrypted)


def build_row(
    tenant_id: TenantId,
    text: str = "api is down",
    *,
    kind: AlertKind = AlertKind.DOWN,
    service_id: ServiceId | None = None,
    incident_id: ResultId | None = None,
    at: datetime = NOON,
) -> AlertRow:
    """Build an alert."""
    return AlertRow(
        AlertId(uuid4()), tenant_id, service_id, kind, incident_id, text, {}, at
    )


async def announce(pool: Pool, *rows: AlertRow) -> None:
    """Store alerts, with deliveries by all routes of their tenants."""
    async with pool.acquire() as connection:
        await insert_alerts(connection, rows)


async def fetch_states(pool: Pool) -> list[tuple[str, int]]:
    """Fetch the state and the attempts of each delivery, the oldest alert first."""
    rows = await pool.fetch(
        "SELECT d.delivery, d.attempts FROM alert_deliveries d"
        " JOIN alerts a ON a.id = d.alert_id ORDER BY a.created_at, a.id"
    )
    return [(row["delivery"], row["attempts"]) for row in rows]
