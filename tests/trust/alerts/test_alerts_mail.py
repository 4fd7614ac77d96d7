"""Alert mails are no weapon: confirmed addresses, limits, and texts that stay texts."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from actors.clock import SystemClock
from actors.monitor.alert_summaries import AlertSummaries
from deployments.monitoring.confirmations import ConfirmationMailer
from deployments.monitoring.mail import MailServer
from persistence import alerts
from persistence.database import Pool
from persistence.ids import TenantId
from persistence.monitor import AlertKind, RouteKind
from persistence.tenants import create_tenant
from persistence.users import User
from tests.support.api import BASE_URL, Api
from tests.support.clock import NOON, FakeClock
from tests.support.monitors import CIPHER, build_monitor
from tests.support.servers.smtp_server import SmtpServer, smtp_server
from tests.support.waiting import wait_until
from tests.trust.alerts.alerts import (
    SENDER,
    add_route,
    announce,
    build_dispatcher,
    build_row,
    fetch_states,
)

ROUTES = "/api/monitor/alert-routes/"
SERVICES = "/api/monitor/services/"
MAIL = {"kind": "email", "name": "mail", "to": "ops@example.com"}


@pytest.fixture
async def smtp() -> AsyncIterator[SmtpServer]:
    async with smtp_server() as server:
        yield server


@pytest.fixture
async def tenant_id(pool: Pool) -> TenantId:
    return (await create_tenant(pool, "shop")).id


@pytest.fixture
def clock(api: Api) -> FakeClock:
    # Sign-ins expire by the machine's clock.
    clock = FakeClock(SystemClock().now())
    api.clock = clock
    return clock


def build_mailer(pool: Pool, smtp: SmtpServer, clock: FakeClock) -> ConfirmationMailer:
    server = MailServer(f"smtp://127.0.0.1:{smtp.port}", SENDER)
    return ConfirmationMailer(pool, clock, CIPHER, server, BASE_URL)


def read_link(smtp: SmtpServer) -> str:
    """Return the link of the last mail."""
    found = re.search(r"http\S+", smtp.messages[-1].get_content())
    assert found is not None
    return found[0]


@pytest.mark.parametrize(
    "address",
    [
        "a@v.com,b@v.org,c@v.net",
        "a@v.com;b@v.org",
        "A <a@v.com>",
        "<a@v.com>",
        "a(comment)@v.com",
        '"a b"@v.com',
        "a@v.com\r\nBcc: b@v.org",
        "a@v.com\n",
        "a@v.com\x00",
        " a@v.com",
        "a@v.com b@v.org",
        "a%v.org@relay.com",
        "v.org!a@relay.com",
        "@relay.com:a@v.com",
        "=?utf-8?q?a=40v.com=2C?=@v.com",
        "a@v",
        "a@[127.0.0.1]",
        "a@127.0.0.1",
        "a..b@v.com",
        ".a@v.com",
        "a@-v.com",
        "a@v..com",
        "شما@v.com",
        f"{'a' * 65}@v.com",
        f"a@{'v' * 250}.com",
        "",
    ],
)
async def test_trust_m4_a_route_has_one_address(
    client: httpx.AsyncClient, address: str
) -> None:
    refused = await client.post(ROUTES, json={**MAIL, "to": address})
    assert refused.status_code == 422, refused.text
    assert "to" in refused.json()["fields"]
    assert (await client.get(ROUTES)).json()["count"] == 0


async def test_trust_m4_an_address_is_confirmed_by_a_mailed_link_before_it_is_used(
    clock: FakeClock,
    client: httpx.AsyncClient,
    nobody: httpx.AsyncClient,
    pool: Pool,
    smtp: SmtpServer,
    alice: User,
) -> None:
    made = (await client.post(ROUTES, json=MAIL)).json()
    assert made["confirmed"] is False
    assert "PILITO_SMTP_URL" in made["problem"]
    now = clock.now()
    await announce(pool, build_row(alice.tenant_id, at=now))
    assert await fetch_states(pool) == []

    mailer = build_mailer(pool, smtp, clock)
    assert await mailer.send_next()
    assert not await mailer.send_next()
    assert smtp.messages[0]["To"] == "ops@example.com"
    link = read_link(smtp)

    # A program that looks for dangers in mails opens each link, many times.
    for _ in range(3):
        page = await nobody.get(link)
        assert (page.status_code, '<form method="post">' in page.text) == (200, True)
    assert not (await client.get(ROUTES)).json()["results"][0]["confirmed"]
    assert (await nobody.post(link)).status_code == 200
    route = (await client.get(ROUTES)).json()["results"][0]
    assert (route["confirmed"], route["problem"]) == (True, "")
    # It works once.
    assert (await nobody.get(link)).status_code == 404
    assert (await nobody.post(link)).status_code == 404

    await announce(pool, build_row(alice.tenant_id, at=now))
    url = f"smtp://127.0.0.1:{smtp.port}"
    assert await build_dispatcher(pool, clock, smtp_url=url).send_due() == 1
    assert len(smtp.mails) == 2


async def test_trust_m4_links_are_renewed_expire_and_are_limited(
    clock: FakeClock,
    client: httpx.AsyncClient,
    stranger: httpx.AsyncClient,
    nobody: httpx.AsyncClient,
    pool: Pool,
    smtp: SmtpServer,
) -> None:
    made = (await client.post(ROUTES, json=MAIL)).json()
    again = f"{ROUTES}{made['id']}/confirmation/"
    too_soon = await client.post(again)
    assert (too_soon.status_code, too_soon.headers["Retry-After"]) == (429, "60")
    assert (await stranger.post(again)).status_code == 404
    mailer = build_mailer(pool, smtp, clock)
    await mailer.send_next()
    first = read_link(smtp)
    clock.advance(timedelta(minutes=2))
    assert (await client.post(again)).status_code == 200
    await mailer.send_next()
    second = read_link(smtp)
    assert (await nobody.post(first)).status_code == 404
    clock.advance(timedelta(days=4))
    assert (await nobody.post(second)).status_code == 404

    assert (await client.post(again)).status_code == 200
    await mailer.send_next()
    clock.advance(timedelta(minutes=2))
    assert (await client.post(again)).status_code == 200
    clock.advance(timedelta(minutes=2))
    # Another tenant, another route, other letters: it is the same address.
    third = await stranger.post(ROUTES, json={**MAIL, "to": "OPS@Example.com"})
    assert third.status_code == 201
    fourth = await stranger.post(ROUTES, json={**MAIL, "name": "other"})
    assert fourth.status_code == 429
    assert "one address in a day" in fourth.json()["detail"]
    assert (await stranger.get(ROUTES)).json()["count"] == 1


async def test_trust_m4_deleting_and_creating_routes_sends_no_more_links(
    clock: FakeClock, client: httpx.AsyncClient
) -> None:
    statuses = []
    for number in range(12):
        clock.advance(timedelta(minutes=2))
        mail = {**MAIL, "to": f"victim{number}@example.com"}
        answered = await client.post(ROUTES, json=mail)
        statuses.append(answered.status_code)
        if answered.status_code == 201:
            await client.delete(f"{ROUTES}{answered.json()['id']}/")
    assert statuses == [201] * 10 + [429] * 2


async def test_trust_m4_a_hundred_alerts_are_thirty_mails_and_a_summary(
    pool: Pool, smtp: SmtpServer, tenant_id: TenantId
) -> None:
    clock = FakeClock()
    await add_route(pool, tenant_id, RouteKind.EMAIL, {"to": "ops@example.com"})
    for number in range(100):
        at = NOON + timedelta(milliseconds=number)
        await announce(pool, build_row(tenant_id, f"service {number} is down", at=at))
    url = f"smtp://127.0.0.1:{smtp.port}"
    dispatcher = build_dispatcher(pool, clock, smtp_url=url)
    clock.advance(timedelta(seconds=1))
    while await dispatcher.send_due():
        pass
    assert len(smtp.mails) == alerts.ALERTS_PER_ROUTE == 30

    monitor, _ = build_monitor(pool)
    summaries = AlertSummaries(pool, clock, monitor.recorder.has_alerts)
    assert await summaries.sum_up() == 0
    clock.advance(timedelta(minutes=2))
    assert await summaries.sum_up() == 1
    assert await summaries.sum_up() == 0
    assert await dispatcher.send_due() == 1
    summary = smtp.messages[-1].get_content()
    assert "70" in summary or "۷۰" in summary
    assert "service 99 is down" in summary
    states = [state for state, _ in await fetch_states(pool)]
    assert (states.count("sent"), states.count("summed")) == (31, 70)
    # The next hour has room again.
    clock.advance(timedelta(hours=2))
    await announce(pool, build_row(tenant_id, "later", at=clock.now()))
    assert await dispatcher.send_due() == 1


async def test_trust_m4_many_routes_give_a_tenant_no_more_mails(
    pool: Pool, tenant_id: TenantId
) -> None:
    for number in range(20):
        to = {"to": f"ops{number}@example.com"}
        await add_route(pool, tenant_id, RouteKind.EMAIL, to)
    for _ in range(30):
        await announce(pool, build_row(tenant_id))
    states = [state for state, _ in await fetch_states(pool)]
    assert states.count("queued") == alerts.ALERTS_PER_TENANT == 200
    assert states.count("held") == 20 * 30 - 200


async def test_trust_m4_routes_and_cool_downs_have_limits(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    limit = app.state.context.settings.max_alert_routes
    for number in range(limit):
        hook = {"kind": "webhook", "name": str(number), "url": "https://example.com/"}
        assert (await client.post(ROUTES, json=hook)).status_code == 201
    refused = await client.post(ROUTES, json={**MAIL})
    assert refused.status_code == 409
    assert str(limit) in refused.json()["detail"]

    service = {"name": "api", "base_url": "https://example.com"}
    for field, value in (("cooldown_s", 0), ("cooldown_s", 59), ("reminder_s", 1)):
        refused = await client.post(SERVICES, json={**service, field: value})
        assert refused.status_code == 422
        assert field in refused.json()["fields"]
    kept = await client.post(SERVICES, json={**service, "reminder_s": 0})
    assert kept.status_code == 201


async def test_trust_m4_an_older_route_with_many_addresses_mails_to_none(
    pool: Pool, smtp: SmtpServer, tenant_id: TenantId
) -> None:
    to = {"to": "a@v.com,b@v.org,c@v.net"}
    await add_route(pool, tenant_id, RouteKind.EMAIL, to)
    await announce(pool, build_row(tenant_id))
    url = f"smtp://127.0.0.1:{smtp.port}"
    await build_dispatcher(pool, FakeClock(), smtp_url=url).send_due()
    assert await fetch_states(pool) == [("failed", 1)]
    assert smtp.commands == []


async def test_trust_l5_no_password_travels_in_the_clear(
    pool: Pool, tenant_id: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with smtp_server() as smtp:
        smtp.extensions = ("AUTH PLAIN LOGIN",)
        await add_route(pool, tenant_id, RouteKind.EMAIL, {"to": "ops@example.com"})
        await announce(pool, build_row(tenant_id))
        url = f"smtp://user:password@127.0.0.1:{smtp.port}"
        dispatcher = build_dispatcher(pool, clock := FakeClock(), smtp_url=url)
        # As if the server stood elsewhere: no other machine is at hand here.
        with monkeypatch.context() as patch:
            patch.setattr("deployments.monitoring.mail._is_here", lambda _: False)
            await dispatcher.send_due()
        assert not any(word.startswith("AUTH") for word in smtp.commands)
        assert smtp.mails == []
        error = await pool.fetchval("SELECT error FROM alert_deliveries")
        assert "STARTTLS" in error
        # On this machine nobody listens in between.
        clock.advance(timedelta(minutes=1))
        await dispatcher.send_due()
        assert any(word.startswith("AUTH") for word in smtp.commands)
        assert len(smtp.mails) == 1


async def test_trust_s2_case_h09_a_mail_without_an_answer_is_sent_once_more_at_most(
    pool: Pool, smtp: SmtpServer, tenant_id: TenantId
) -> None:
    smtp.hangs_after_data = True
    await add_route(pool, tenant_id, RouteKind.EMAIL, {"to": "ops@example.com"})
    await announce(pool, build_row(tenant_id))
    url = f"smtp://127.0.0.1:{smtp.port}"
    dispatcher = build_dispatcher(pool, clock := FakeClock(), smtp_url=url)
    for _ in range(12):
        await dispatcher.send_due()
        clock.advance(timedelta(hours=1))
    assert len(smtp.mails) == 2
    assert await fetch_states(pool) == [("unknown", 2)]
    assert len({mail["Message-ID"] for mail in smtp.messages}) == 1


async def test_trust_s2_a_server_that_hangs_after_the_mail_has_taken_it(
    pool: Pool, smtp: SmtpServer, tenant_id: TenantId
) -> None:
    smtp.hangs_after_quit = True
    await add_route(pool, tenant_id, RouteKind.EMAIL, {"to": "ops@example.com"})
    await announce(pool, build_row(tenant_id))
    url = f"smtp://127.0.0.1:{smtp.port}"
    await build_dispatcher(pool, FakeClock(), smtp_url=url).send_due()
    assert await fetch_states(pool) == [("sent", 1)]


@pytest.mark.parametrize(
    "text",
    [
        "=?utf-8?q?api=0D=0ABcc:_victim=40example.com?= is down",
        "=?utf-8?b?YQpYLUV2aWw6IHllcw==?= is down",
        "api =?utf-8?q?=0A=0A<b>own_body</b>?=",
        "=?utf-8?q?=?= =?utf-8?q?a=0Ab?= سلام",
        "api\r\nBcc: victim@example.com\r\n\r\nown body",
        "api\u2028X-Evil: yes\x0bX-Evil: no\x85X-Evil: no",
        "a=?\r\n =?utf-8?q?x=0AX-Evil:_yes?=",
        "x" * 400 + "=?utf-8?q?a=0AX-Evil:_yes?=",
    ],
)
async def test_trust_case_h08_no_text_becomes_a_header_or_a_body(
    pool: Pool, smtp: SmtpServer, tenant_id: TenantId, text: str
) -> None:
    await add_route(pool, tenant_id, RouteKind.EMAIL, {"to": "ops@example.com"})
    await announce(pool, build_row(tenant_id, text))
    url = f"smtp://127.0.0.1:{smtp.port}"
    await build_dispatcher(pool, FakeClock(), smtp_url=url).send_due()
    (raw,), (mail,) = smtp.mails, smtp.messages
    assert sorted(mail.keys()) == sorted(
        [
            "From",
            "To",
            "Subject",
            "Message-ID",
            "Date",
            "Auto-Submitted",
            "MIME-Version",
            "Content-Type",
            "Content-Transfer-Encoding",
        ]
    )
    assert mail["To"] == "ops@example.com"
    assert not re.search(r"[\x00-\x1f\x7f]", str(mail["Subject"]))
    assert "victim" not in " ".join(smtp.commands).lower()
    body = raw.partition("\r\n\r\n")[2]
    assert re.fullmatch(r"[A-Za-z0-9+/=\s]+\.\s*", body)


@pytest.mark.parametrize("sign", ["\n", "\r", "\t", "\x00", "\x1b", "\x85", "\u2028"])
async def test_trust_case_h08_names_hold_no_control_characters(
    client: httpx.AsyncClient, sign: str
) -> None:
    name = f"api{sign}X-Evil: yes"
    made = await client.post(
        SERVICES, json={"name": "api", "base_url": "https://example.com"}
    )
    path = f"{SERVICES}{made.json()['id']}/"
    service = {"name": name, "base_url": "https://example.com"}
    hook = {"kind": "webhook", "name": name, "url": "https://example.com/"}
    answers = [
        await client.post(SERVICES, json=service),
        await client.put(path, json=service),
        await client.patch(path, json={"name": name}),
        await client.post(ROUTES, json=hook),
        await client.post(ROUTES, json={**MAIL, "name": name}),
    ]
    assert [answer.status_code for answer in answers] == [422] * 5
    assert all("name" in answer.json()["fields"] for answer in answers)
    # A zero-width non-joiner belongs to Persian words.
    kept = await client.patch(path, json={"name": "سرویس‌ها"})
    assert kept.status_code == 200


async def test_trust_case_h04_summaries_are_of_no_service(
    pool: Pool, tenant_id: TenantId
) -> None:
    """Or the list of alerts could not show them."""
    await add_route(
        pool, tenant_id, RouteKind.WEBHOOK, {"url": "http://x", "secret": "s"}
    )
    for _ in range(31):
        await announce(pool, build_row(tenant_id))
    clock = FakeClock()
    clock.advance(timedelta(minutes=2))
    monitor, _ = build_monitor(pool)
    await AlertSummaries(pool, clock, monitor.recorder.has_alerts).sum_up()
    count, rows = await alerts.fetch_alerts_page(
        pool, tenant_id, None, AlertKind.SUMMARY, 10, 0
    )
    assert (count, rows[0].service_id) == (1, None)
    assert rows[0].facts == {"alerts": 1, "limit_per_hour": 30}


async def test_trust_s2_a_mail_that_is_called_back_does_not_leave_later(
    pool: Pool, smtp: SmtpServer, tenant_id: TenantId
) -> None:
    smtp.may_greet.clear()
    await add_route(pool, tenant_id, RouteKind.EMAIL, {"to": "ops@example.com"})
    await announce(pool, build_row(tenant_id))
    url = f"smtp://127.0.0.1:{smtp.port}"
    dispatcher = build_dispatcher(pool, clock := FakeClock(), smtp_url=url)
    await dispatcher.send_due()
    # Nothing has left, so it is certain that it may be sent again.
    assert await fetch_states(pool) == [("queued", 1)]
    assert not await pool.fetchval("SELECT is_uncertain FROM alert_deliveries")
    smtp.may_greet.set()
    clock.advance(timedelta(minutes=1))
    await dispatcher.send_due()
    assert await fetch_states(pool) == [("sent", 2)]
    # The thread of the first attempt has found that it was called back.
    await wait_until(lambda: smtp.connections == 0)
    assert len(smtp.mails) == 1
