"""Alerts are signed, retried after failures, and sent once after a crash."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from email import message_from_string, policy
from uuid import UUID, uuid4

import orjson
import pytest
from pydantic import SecretStr

from actors.monitor.alert_dispatcher import MAX_ATTEMPTS, AlertDispatcher
from actors.monitor.checks.ssrf_guard import EgressPolicy
from config.settings import Settings
from deployments.http.signing import sign
from deployments.monitoring.notifiers import build_notifiers
from persistence.alert_routes import create_route
from persistence.alerts import claim_deliveries, insert_alerts, settle_interrupted
from persistence.channels import ChannelKind, ChannelTokens, NewChannel, create_channel
from persistence.database import Pool
from persistence.ids import AlertId, TenantId
from persistence.monitor import AlertKind, AlertRow, RouteKind
from persistence.tenants import create_tenant
from tests.support.clock import NOON, FakeClock
from tests.support.monitors import CIPHER, build_monitor
from tests.support.servers.misbehaving_server import (
    MisbehavingServer,
    answer,
    misbehaving_server,
)
from tests.support.servers.smtp_server import SmtpServer, smtp_server
from tests.support.servers.telegram_server import TOKEN, TelegramServer


@pytest.fixture
async def http() -> AsyncIterator[MisbehavingServer]:
    async with misbehaving_server() as server:
        yield server


@pytest.fixture
async def smtp() -> AsyncIterator[SmtpServer]:
    async with smtp_server() as server:
        yield server


@pytest.fixture
async def tenant_id(pool: Pool) -> TenantId:
    return (await create_tenant(pool, "shop")).id


def build_dispatcher(
    pool: Pool, clock: FakeClock, smtp_port: int = 9, telegram_url: str = "http://x"
) -> AlertDispatcher:
    settings = Settings(
        smtp_url=SecretStr(f"smtp://127.0.0.1:{smtp_port}"),
        smtp_from="pilito@shop.example.com",
        telegram_api_url=telegram_url,
    )
    notifiers = build_notifiers(settings, pool, CIPHER, EgressPolicy())
    monitor, _ = build_monitor(pool)
    return AlertDispatcher(pool, clock, CIPHER, notifiers, monitor.recorder.has_alerts)


async def tell(
    pool: Pool,
    tenant_id: TenantId,
    kind: RouteKind,
    target: Mapping[str, str],
    alert_id: UUID | None = None,
) -> None:
    await create_route(
        pool, tenant_id, kind, kind.value, CIPHER.encrypt(orjson.dumps(dict(target)))
    )
    await announce(pool, tenant_id, alert_id or uuid4())


async def announce(pool: Pool, tenant_id: TenantId, alert_id: UUID) -> int:
    row = AlertRow(
        AlertId(alert_id),
        tenant_id,
        None,
        AlertKind.DOWN,
        None,
        "api از دسترس خارج شد",
        {"reason": "HTTP 500"},
        NOON,
    )
    async with pool.acquire() as connection:
        return await insert_alerts(connection, [row])


async def deliveries(pool: Pool) -> list[tuple[str, int]]:
    rows = await pool.fetch("SELECT delivery, attempts FROM alert_deliveries")
    return [(row["delivery"], row["attempts"]) for row in rows]


async def test_a_webhook_is_signed_and_named(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    target = {"url": http.on("/hook", answer(204, b"")), "secret": "of the receiver"}
    alert_id = uuid4()
    await tell(pool, tenant_id, RouteKind.WEBHOOK, target, alert_id)
    assert await build_dispatcher(pool, FakeClock()).send_due() == 1
    (request,) = http.requests
    timestamp = request.headers["x-pilito-timestamp"]
    wanted = sign("of the receiver", timestamp, request.body)
    assert request.headers["x-pilito-signature"] == wanted
    assert request.headers["x-pilito-alert-id"] == str(alert_id)
    body = orjson.loads(request.body)
    assert (body["id"], body["kind"]) == (str(alert_id), "down")
    assert await deliveries(pool) == [("sent", 1)]


async def test_a_failed_webhook_is_tried_again_later_and_given_up_in_the_end(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    target = {"url": http.on("/hook", answer(500)), "secret": "secret"}
    await tell(pool, tenant_id, RouteKind.WEBHOOK, target)
    clock = FakeClock()
    dispatcher = build_dispatcher(pool, clock)
    assert await dispatcher.send_due() == 1
    assert await dispatcher.send_due() == 0
    for attempt in range(2, MAX_ATTEMPTS + 1):
        clock.advance(timedelta(hours=1))
        assert await dispatcher.send_due() == 1
        assert (await deliveries(pool))[0][1] == attempt
    assert await deliveries(pool) == [("failed", MAX_ATTEMPTS)]
    clock.advance(timedelta(days=1))
    assert await dispatcher.send_due() == 0


async def test_predecessor_faults_x4_a_webhook_can_not_be_turned_against_the_host(
    pool: Pool, tenant_id: TenantId
) -> None:
    target = {"url": "http://169.254.169.254/latest", "secret": "secret"}
    await tell(pool, tenant_id, RouteKind.WEBHOOK, target)
    await build_dispatcher(pool, FakeClock()).send_due()
    assert await deliveries(pool) == [("failed", 1)]


async def test_the_same_alert_is_stored_once(pool: Pool, tenant_id: TenantId) -> None:
    alert_id = uuid4()
    assert await announce(pool, tenant_id, alert_id) == 1
    assert await announce(pool, tenant_id, alert_id) == 0


async def test_a_mail_is_handed_in_and_named(
    pool: Pool, smtp: SmtpServer, tenant_id: TenantId
) -> None:
    alert_id = uuid4()
    target = {"to": "ops@example.com"}
    await tell(pool, tenant_id, RouteKind.EMAIL, target, alert_id)
    await build_dispatcher(pool, FakeClock(), smtp.port).send_due()
    mail = message_from_string(smtp.mails[0], policy=policy.default)
    assert mail["To"] == "ops@example.com"
    assert mail["Subject"] == "api از دسترس خارج شد"
    assert str(alert_id) in mail["Message-ID"]
    assert await deliveries(pool) == [("sent", 1)]


async def test_a_mail_to_nobody_is_given_up_at_once(
    pool: Pool, smtp: SmtpServer, tenant_id: TenantId
) -> None:
    await tell(pool, tenant_id, RouteKind.EMAIL, {"to": smtp.refused})
    await build_dispatcher(pool, FakeClock(), smtp.port).send_due()
    assert await deliveries(pool) == [("failed", 1)]


async def test_a_bot_of_the_tenant_writes_to_a_chat(
    pool: Pool, tenant_id: TenantId
) -> None:
    new = NewChannel(
        ChannelKind.TELEGRAM, "bot", "123456789", ChannelTokens(TOKEN, "s")
    )
    async with pool.acquire() as db, db.transaction():
        channel = await create_channel(db, CIPHER, tenant_id, new)
    target = {"channel_id": str(channel.id), "chat_id": "77"}
    await tell(pool, tenant_id, RouteKind.TELEGRAM, target)
    with TelegramServer() as telegram:
        await build_dispatcher(pool, FakeClock(), telegram_url=telegram.url).send_due()
    assert await deliveries(pool) == [("sent", 1)]


async def test_what_was_under_way_at_a_crash_reaches_no_person_twice(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    hook = {"url": http.on("/hook", answer()), "secret": "secret"}
    await create_route(
        pool,
        tenant_id,
        RouteKind.EMAIL,
        "mail",
        CIPHER.encrypt(orjson.dumps({"to": "ops@example.com"})),
    )
    await tell(pool, tenant_id, RouteKind.WEBHOOK, hook)
    # Claimed, and then the process was gone.
    assert len(await claim_deliveries(pool, NOON, 10)) == 2
    await settle_interrupted(pool, NOON)
    assert await build_dispatcher(pool, FakeClock()).send_due() == 1
    rows = await pool.fetch(
        "SELECT r.kind, d.delivery FROM alert_deliveries d"
        " JOIN alert_routes r ON r.id = d.route_id ORDER BY r.kind"
    )
    assert [tuple(row) for row in rows] == [("email", "unknown"), ("webhook", "sent")]
