"""Alerts leave independently of each other, but those of one incident in order."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import orjson
import pytest

from actors.monitor.alert_dispatcher import MAX_ATTEMPTS, AlertDispatcher
from deployments.http.signing import sign
from persistence.channels import ChannelKind, ChannelTokens, NewChannel, create_channel
from persistence.database import Pool
from persistence.ids import ResultId, TenantId
from persistence.monitor import AlertKind, RouteKind
from persistence.tenants import create_tenant
from persistence.watch import Lease
from tests.support.clock import NOON, FakeClock
from tests.support.monitors import CIPHER
from tests.support.servers.misbehaving_server import (
    MisbehavingServer,
    answer,
    hang,
    misbehaving_server,
    redirect,
)
from tests.support.servers.scripted_server import Fail
from tests.support.servers.telegram_server import TOKEN, TelegramServer, refusal
from tests.support.waiting import wait_until
from tests.trust.alerts.alerts import (
    add_route,
    announce,
    build_dispatcher,
    build_row,
    fetch_states,
)

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def http() -> AsyncIterator[MisbehavingServer]:
    async with misbehaving_server() as server:
        yield server


@pytest.fixture
async def tenant_id(pool: Pool) -> TenantId:
    return (await create_tenant(pool, "shop")).id


@asynccontextmanager
async def running(dispatcher: AlertDispatcher) -> AsyncIterator[None]:
    """Run a dispatcher as the monitor does."""
    task = asyncio.create_task(dispatcher.run(Lease(uuid4(), 1)))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def hook(url: str) -> dict[str, str]:
    return {"url": url, "secret": "of the receiver"}


def texts(http: MisbehavingServer, path: str) -> list[str]:
    """Return what a receiver was told, in order."""
    bodies = [orjson.loads(one.body) for one in http.requests if one.path == path]
    return [str(body["text"]) for body in bodies]


async def test_trust_m5_case_h05_a_webhook_that_hangs_delays_no_other_tenant(
    pool: Pool, http: MisbehavingServer
) -> None:
    first, second = [(await create_tenant(pool, name)).id for name in ("a", "b")]
    # Not one route, and more deliveries than there are places.
    for number in range(14):
        url = http.on(f"/hang{number}", hang)
        await add_route(pool, first, RouteKind.WEBHOOK, hook(url))
    await add_route(pool, second, RouteKind.WEBHOOK, hook(http.on("/b", answer())))
    for _ in range(30):
        await announce(pool, build_row(first))
    # Beyond the limit of an hour, which is another defence.
    await pool.execute("UPDATE alert_deliveries SET delivery = 'queued'")
    async with running(build_dispatcher(pool, FakeClock())):
        await wait_until(lambda: bool(http.requests))
        began = asyncio.get_running_loop().time()
        for number in range(5):
            await announce(pool, build_row(second, f"alert {number}"))
        await wait_until(lambda: len(texts(http, "/b")) == 5)
        # Far sooner than the fifteen seconds that each of the others hangs.
        assert asyncio.get_running_loop().time() - began < 12
        assert len({one.path for one in http.requests if one.path != "/b"}) <= 6


async def test_trust_m5_a_route_that_hangs_delays_no_other_route_of_its_tenant(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    for path, handler in (("/hang", hang), ("/good", answer())):
        url = http.on(path, handler)
        await add_route(pool, tenant_id, RouteKind.WEBHOOK, hook(url))
    for number in range(20):
        await announce(pool, build_row(tenant_id, f"alert {number}"))
    async with running(build_dispatcher(pool, FakeClock())):
        await wait_until(lambda: len(texts(http, "/good")) == 20)
    assert len(texts(http, "/hang")) <= 2


async def tell_incident(pool: Pool, tenant_id: TenantId) -> None:
    """Store the beginning of an incident, and its end three minutes later."""
    incident = ResultId(uuid4())
    await announce(pool, build_row(tenant_id, "api is down", incident_id=incident))
    end = build_row(
        tenant_id,
        "api is up again",
        kind=AlertKind.RECOVERED,
        incident_id=incident,
        at=NOON + 3 * MINUTE,
    )
    await announce(pool, end)


async def test_trust_case_h04_alerts_of_an_incident_leave_in_order(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    url = http.on("/hook", answer(503))
    await add_route(pool, tenant_id, RouteKind.WEBHOOK, hook(url))
    await tell_incident(pool, tenant_id)
    dispatcher = build_dispatcher(pool, clock := FakeClock())
    for _ in range(6):
        await dispatcher.send_due()
        clock.advance(2 * MINUTE)
    assert set(texts(http, "/hook")) == {"api is down"}
    http.on("/hook", answer())
    http.requests.clear()
    for _ in range(8):
        await dispatcher.send_due()
        clock.advance(5 * MINUTE)
    assert texts(http, "/hook") == ["api is down", "api is up again"]


async def test_trust_case_h04_an_end_whose_beginning_was_given_up_tells_both(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId
) -> None:
    url = http.on("/hook", answer(503))
    await add_route(pool, tenant_id, RouteKind.WEBHOOK, hook(url))
    await tell_incident(pool, tenant_id)
    dispatcher = build_dispatcher(pool, clock := FakeClock())
    for _ in range(MAX_ATTEMPTS):
        await dispatcher.send_due()
        clock.advance(timedelta(hours=1))
    assert await fetch_states(pool) == [("failed", MAX_ATTEMPTS), ("queued", 0)]
    http.on("/hook", answer())
    http.requests.clear()
    await dispatcher.send_due()
    assert texts(http, "/hook") == ["api is down\napi is up again"]


@pytest.mark.parametrize("status", [301, 302, 303])
async def test_trust_case_h06_a_redirect_that_loses_the_body_is_named(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId, status: int
) -> None:
    url = http.on("/hook", redirect(http.on("/new", answer()), status))
    await add_route(pool, tenant_id, RouteKind.WEBHOOK, hook(url))
    await announce(pool, build_row(tenant_id))
    await build_dispatcher(pool, FakeClock()).send_due()
    error = await pool.fetchval("SELECT error FROM alert_deliveries")
    assert error == f"HTTP {status}: it redirects; use the final address"
    assert [one.path for one in http.requests] == ["/hook"]


@pytest.mark.parametrize("status", [307, 308])
async def test_trust_case_h06_a_redirect_that_keeps_the_body_is_followed(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId, status: int
) -> None:
    async with misbehaving_server() as other:
        url = http.on("/hook", redirect(other.on("/new", answer()), status))
        await add_route(pool, tenant_id, RouteKind.WEBHOOK, hook(url))
        await announce(pool, build_row(tenant_id))
        await build_dispatcher(pool, FakeClock()).send_due()
        (there,) = other.requests
    assert (there.method, await fetch_states(pool)) == ("POST", [("sent", 1)])
    signed = sign("of the receiver", there.headers["x-pilito-timestamp"], there.body)
    assert there.headers["x-pilito-signature"] == signed
    assert there.body == http.requests[0].body


@pytest.mark.parametrize(
    ("to", "error"),
    [
        ("http://169.254.169.254/latest", "link-local"),
        ("/hook", "more than 5 redirects"),
        ("ftp://127.0.0.1/x", "not http or https"),
        # What a server inside says is not repeated.
        ("http://a:b/", "an invalid answer"),
    ],
)
async def test_trust_case_h06_a_redirect_meets_the_same_walls(
    pool: Pool, http: MisbehavingServer, tenant_id: TenantId, to: str, error: str
) -> None:
    url = http.on("/hook", redirect(to, 307))
    await add_route(pool, tenant_id, RouteKind.WEBHOOK, hook(url))
    await announce(pool, build_row(tenant_id))
    await build_dispatcher(pool, FakeClock()).send_due()
    stored = await pool.fetchval("SELECT error FROM alert_deliveries")
    assert error in stored


async def test_trust_case_h07_a_group_that_moved_is_followed_and_kept(
    pool: Pool, tenant_id: TenantId
) -> None:
    tokens = ChannelTokens(TOKEN, "s")
    new = NewChannel(ChannelKind.TELEGRAM, "bot", "123456789", tokens)
    async with pool.acquire() as db, db.transaction():
        channel = await create_channel(db, CIPHER, tenant_id, new)
    target = {"channel_id": str(channel.id), "chat_id": "-77"}
    await add_route(pool, tenant_id, RouteKind.TELEGRAM, target)
    await announce(pool, build_row(tenant_id))
    moved = {
        "ok": False,
        "error_code": 400,
        "description": "Bad Request: group chat was upgraded to a supergroup chat",
        "parameters": {"migrate_to_chat_id": -1001234567890},
    }
    with TelegramServer() as telegram:
        telegram.answer_next(Fail(400, json.dumps(moved)))
        dispatcher = build_dispatcher(pool, FakeClock(), telegram_url=telegram.url)
        await dispatcher.send_due()
        assert await fetch_states(pool) == [("sent", 1)]
        await announce(pool, build_row(tenant_id))
        await dispatcher.send_due()
        chats = [call.payload["chat_id"] for call in telegram.sends]
        # No markup that a chat could refuse: alerts are plain text.
        assert not any("parse_mode" in call.payload for call in telegram.sends)
    assert [str(chat) for chat in chats] == ["-77", "-1001234567890", "-1001234567890"]


async def test_trust_case_h07_a_chat_that_refuses_is_given_up(
    pool: Pool, tenant_id: TenantId
) -> None:
    tokens = ChannelTokens(TOKEN, "s")
    new = NewChannel(ChannelKind.TELEGRAM, "bot", "123456789", tokens)
    async with pool.acquire() as db, db.transaction():
        channel = await create_channel(db, CIPHER, tenant_id, new)
    target = {"channel_id": str(channel.id), "chat_id": "77"}
    await add_route(pool, tenant_id, RouteKind.TELEGRAM, target)
    await announce(pool, build_row(tenant_id))
    with TelegramServer() as telegram:
        telegram.answer_next(refusal(400, "Bad Request: chat not found"))
        dispatcher = build_dispatcher(pool, FakeClock(), telegram_url=telegram.url)
        await dispatcher.send_due()
    assert await fetch_states(pool) == [("failed", 1)]
