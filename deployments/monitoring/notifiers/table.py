"""The table of the ways that notices take from this runtime."""

import httpx

from actors.monitor.checks.ssrf_guard import GuardedTransport, Walls
from actors.monitor.ports import Way
from config.settings import Settings
from deployments.monitoring.notifiers.email import EmailWay, parse_smtp
from deployments.monitoring.notifiers.telegram import TelegramWay
from deployments.monitoring.notifiers.webhook import WebhookWay
from persistence.database import Pool
from persistence.monitor import RouteKind
from persistence.secrets import Cipher

TIMEOUT = httpx.Timeout(15.0, connect=5.0)
#: Notices are rare: no link is kept open for them.
LIMITS = httpx.Limits(max_keepalive_connections=0)


def build_ways(
    settings: Settings, pool: Pool, cipher: Cipher, walls: Walls
) -> dict[RouteKind, Way]:
    """Build the ways that the settings allow; without an SMTP server no e-mail."""
    # A webhook's address is a tenant's word, like a service's.
    guarded = httpx.AsyncClient(
        transport=GuardedTransport(walls, httpx.create_ssl_context(trust_env=False)),
        trust_env=False,
        timeout=TIMEOUT,
    )
    plain = httpx.AsyncClient(timeout=TIMEOUT, limits=LIMITS)
    ways: dict[RouteKind, Way] = {
        RouteKind.WEBHOOK: WebhookWay(guarded),
        RouteKind.TELEGRAM: TelegramWay(plain, settings.telegram_api_url, pool, cipher),
    }
    if settings.smtp_url is not None:
        server = parse_smtp(settings.smtp_url.get_secret_value())
        ways[RouteKind.EMAIL] = EmailWay(server, settings.smtp_from)
    return ways
