"""Services, results, maintenance, notices and the summary over the API."""

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from actors.clock import SystemClock
from deployments.web.api.monitor.results import SummaryOut
from persistence.analysis import delete_old_findings, upsert_digests
from persistence.check_results import refresh_windows
from persistence.database import Pool
from persistence.ids import DigestId, ServiceId, TenantId
from persistence.monitor import DigestRow, Period
from persistence.queries import load_queries
from persistence.users import User
from tests.support.api import Api, LocalShards
from tests.support.monitors import running_monitor
from tests.support.servers.misbehaving_server import (
    MisbehavingServer,
    answer,
    misbehaving_server,
)

SERVICES = "/api/monitor/services/"


@pytest.fixture
async def http() -> AsyncIterator[MisbehavingServer]:
    async with misbehaving_server() as server:
        yield server


@pytest.fixture
async def api(pool: Pool) -> AsyncIterator[Api]:
    shards = LocalShards(pool)
    await shards.shard.start()
    async with running_monitor(pool) as monitor:
        yield Api(pool, shards, monitor=monitor)
    await shards.shard.stop()


async def add(client: httpx.AsyncClient, url: str, **more: object) -> dict[str, object]:
    body = {"name": "api", "base_url": url, **more}
    created = await client.post(SERVICES, json=body)
    assert created.status_code == 201, created.text
    found: dict[str, object] = created.json()
    return found


async def test_a_service_is_made_shown_changed_and_removed(
    client: httpx.AsyncClient,
) -> None:
    made = await add(client, "https://api.example.com", expected_status=[200, 204])
    path = f"{SERVICES}{made['id']}/"
    assert (await client.get(path)).json() == made
    assert (made["status"], made["enabled"], made["method"]) == ("unknown", True, "GET")
    changed = await client.patch(path, json={"enabled": False, "timeout_s": 3})
    assert changed.json() == {
        **made,
        "enabled": False,
        "timeout_s": 3.0,
        "updated_at": changed.json()["updated_at"],
    }
    replaced = await client.put(
        path, json={"name": "new", "base_url": "http://shop.example.com"}
    )
    assert (replaced.json()["name"], replaced.json()["expected_status"]) == ("new", [])
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404


async def test_headers_are_encrypted_and_never_returned_whole(
    client: httpx.AsyncClient, pool: Pool, http: MisbehavingServer
) -> None:
    http.on("/", answer())
    headers = {"Authorization": "Bearer sk-secret-1234", "X-Short": "abc"}
    made = await add(client, http.url, headers=headers)
    path = f"{SERVICES}{made['id']}/"
    shown = (await client.get(path)).text
    assert "sk-secret" not in shown
    assert made["headers"] == {"Authorization": "…1234", "X-Short": "…"}
    stored = await pool.fetchval("SELECT headers FROM services")
    assert b"secret" not in stored
    # What a form sends back as it was shown changes nothing.
    kept = await client.patch(path, json={"headers": made["headers"]})
    assert kept.status_code == 200, kept.text
    await client.post(f"{path}check/")
    assert http.requests[0].headers["authorization"] == "Bearer sk-secret-1234"
    wrong = await client.patch(path, json={"headers": {"Other": "…1234"}})
    assert wrong.status_code == 422


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"base_url": "ftp://x.example.com"}, "base_url"),
        ({"base_url": "https://user:pass@x.example.com"}, "base_url"),
        ({"base_url": "https://"}, "base_url"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"timeout_s": 3600}, "timeout_s"),
        ({"method": "DELETE"}, "method"),
        ({"headers": {"Host": "other"}}, "headers"),
        ({"headers": {"X": "a\r\nb: c"}}, "headers"),
        ({"headers": {"Authorization": "Bearer x "}}, "headers"),
        ({"expected_status": [42]}, "expected_status.0"),
        ({"conditions": [{"test": "equals", "path": "status"}]}, "conditions.0.path"),
        ({"conditions": [{"test": "exists"}]}, "conditions.0"),
        ({"name": " "}, "name"),
        ({"intervall": 5}, "intervall"),
    ],
)
async def test_what_can_not_be_checked_is_refused_by_its_field(
    client: httpx.AsyncClient, change: dict[str, object], field: str
) -> None:
    body = {"name": "api", "base_url": "https://api.example.com", **change}
    refused = await client.post(SERVICES, json=body)
    assert refused.status_code == 422, refused.text
    assert field in refused.json()["fields"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("results/?service=", "shop"),
        ("results/?ok=", "perhaps"),
        ("results/?since=", "yesterday"),
        ("results/?until=", "2026-03-01T12:00:00"),
        ("results/?since=", "0001-01-01T00:00:00%2B14:00"),
        ("anomalies/?until=", "9999-12-31T23:59:59-14:00"),
        ("anomalies/?since=", "0001-01-01T00:00:00%2B14:00"),
        ("results/?page=", "0"),
        ("results/?page_size=", "100000"),
        ("transitions/?service=", "1"),
        ("services/?status=", "fine"),
        ("digests/?service=", "all"),
    ],
)
async def test_a_filter_that_makes_no_sense_is_refused_by_its_name(
    client: httpx.AsyncClient, path: str, value: str
) -> None:
    refused = await client.get(f"/api/monitor/{path}{value}")
    assert refused.status_code == 422, refused.text
    name = path.partition("?")[2].rstrip("=")
    assert name in refused.json()["fields"], refused.json()


async def test_two_services_of_one_tenant_have_two_names(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    first = await add(client, "https://a.example.com")
    body = {"name": "api", "base_url": "https://b.example.com"}
    assert (await client.post(SERVICES, json=body)).status_code == 409
    other = await add(client, "https://c.example.com", name="other")
    renamed = await client.patch(f"{SERVICES}{other['id']}/", json={"name": "api"})
    assert renamed.status_code == 409
    assert (await add(stranger, "https://d.example.com"))["name"] == first["name"]


async def test_a_check_on_demand_answers_with_its_stored_result(
    client: httpx.AsyncClient, http: MisbehavingServer
) -> None:
    http.on("/health", answer(200, b'{"status": "ok"}'))
    conditions = [{"test": "equals", "path": "$.status", "value": "ok"}]
    made = await add(client, http.url, health_path="/health", conditions=conditions)
    result = await client.post(f"{SERVICES}{made['id']}/check/")
    assert result.status_code == 200, result.text
    body = result.json()
    assert (body["ok"], body["status_code"], body["service"]) == (True, 200, made["id"])
    assert (await client.get(f"/api/monitor/results/{body['id']}/")).json() == body
    assert (await client.get(f"{SERVICES}{made['id']}/")).json()["status"] == "up"


async def test_an_address_of_the_cloud_is_refused_by_the_check(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    made = await add(client, "https://a.example.com", health_path="/latest/meta-data/")
    # As an older release stored it.
    await pool.execute("UPDATE services SET base_url = 'http://169.254.169.254'")
    result = (await client.post(f"{SERVICES}{made['id']}/check/")).json()
    assert not result["ok"]
    assert result["metadata"]["failure"] == "forbidden"


async def test_without_a_monitor_a_check_is_a_503(
    api: Api, client: httpx.AsyncClient
) -> None:
    made = await add(client, "https://a.example.com")
    await api.monitor.stop()  # type: ignore[attr-defined]
    refused = await client.post(f"{SERVICES}{made['id']}/check/")
    assert refused.status_code == 503
    assert refused.headers["Retry-After"]


async def test_results_are_filtered_and_paged(
    pool: Pool, client: httpx.AsyncClient, http: MisbehavingServer
) -> None:
    made = await add(client, http.url)
    for status in (200, 500, 200):
        http.on("/", answer(status))
        await client.post(f"{SERVICES}{made['id']}/check/")
        # As if ten seconds had passed.
        await pool.execute("UPDATE service_states SET asked_at = NULL")
    results = "/api/monitor/results/"
    page = (await client.get(results, params={"page_size": 2})).json()
    assert (page["count"], len(page["results"])) == (3, 2)
    assert page["next"]
    failed = (await client.get(results, params={"ok": False})).json()
    assert [row["status_code"] for row in failed["results"]] == [500]
    newest = page["results"][0]["checked_at"]
    since = (await client.get(results, params={"since": newest})).json()
    assert since["count"] == 1
    until = (await client.get(results, params={"until": newest})).json()
    assert until["count"] == 2
    other = (await client.get(results, params={"service": str(uuid4())})).json()
    assert other["count"] == 0
    wrong = await client.get(results, params={"since": "yesterday"})
    assert wrong.status_code == 422
    assert await pool.fetchval("SELECT count(*) FROM check_results") == 3


def build_digest(
    tenant_id: TenantId, service_id: str | None, text: str, days_ago: int = 0
) -> DigestRow:
    until = SystemClock().now() - timedelta(days=days_ago)
    return DigestRow(
        id=DigestId(uuid4()),
        tenant_id=tenant_id,
        service_id=None if service_id is None else ServiceId(UUID(service_id)),
        period_start=until - timedelta(days=1),
        period_end=until,
        summary_text=text,
        anomaly_count=2,
        facts={},
        written_by="rules",
        created_at=until,
    )


async def test_the_summary_has_the_promised_form(
    client: httpx.AsyncClient, pool: Pool, http: MisbehavingServer, alice: User
) -> None:
    http.on("/", answer())
    made = await add(client, http.url)
    await add(client, http.url, name="never checked")
    checked = (await client.post(f"{SERVICES}{made['id']}/check/")).json()
    async with pool.acquire() as db, db.transaction():
        texts = ((str(made["id"]), "all well"), (None, "all is well"))
        rows = [build_digest(alice.tenant_id, *one) for one in texts]
        await upsert_digests(db, rows)
        for period in Period:
            await refresh_windows(db, period, rows[0].period_end)
    answered = await client.get("/api/monitor/health/summary/")
    # It is written out by hand: the documented models must read it.
    SummaryOut.model_validate_json(answered.content, extra="forbid")
    summary = answered.json()
    first, second = summary["services"]
    assert (first["service_id"], first["service_name"]) == (made["id"], "api")
    latest = first["latest_check"]
    shown = ("status_code", "ok", "latency_ms", "checked_at")
    assert {name: latest[name] for name in shown} == {
        name: checked[name] for name in shown
    }
    assert first["latest_digest"]["summary_text"] == "all well"
    assert first["latest_digest"]["anomaly_count"] == 2
    assert first["latest_digest"]["period_start"]
    assert second["latest_check"] is second["latest_digest"] is None
    assert summary["global_digest"] == {
        "summary_text": "all is well",
        "anomaly_count": 2,
    }
    assert datetime.fromisoformat(summary["generated_at"]).tzinfo is not None
    stats = (await client.get(f"{SERVICES}{made['id']}/stats/")).json()
    assert list(first["windows"]) == ["24h", "7d", "30d"]
    assert first["windows"] == stats["windows"]
    assert first["windows"]["24h"]["uptime"] == 1.0
    assert second["windows"] == {}


async def test_the_summary_shows_the_digest_of_the_last_period(
    client: httpx.AsyncClient, pool: Pool, alice: User
) -> None:
    made = await add(client, "https://api.example.com")
    # An older period that is analysed later is not the last one.
    for days_ago, text in ((1, "yesterday"), (0, "today"), (2, "long ago")):
        async with pool.acquire() as db, db.transaction():
            row = build_digest(alice.tenant_id, str(made["id"]), text, days_ago)
            await upsert_digests(db, [row])
    summary = (await client.get("/api/monitor/health/summary/")).json()
    assert summary["services"][0]["latest_digest"]["summary_text"] == "today"
    await delete_old_findings(pool, SystemClock().now() + timedelta(days=1))
    summary = (await client.get("/api/monitor/health/summary/")).json()
    assert summary["services"][0]["latest_digest"] is None


async def test_the_summary_reads_no_history(pool: Pool, alice: User) -> None:
    """One row of each of four tables for a service, whatever the past holds."""
    statement = load_queries("check_results")["fetch_summary"]
    rows = await pool.fetch(f"EXPLAIN {statement}", alice.tenant_id)
    plan = "\n".join(row[0] for row in rows)
    tables = set(
        re.findall(r"(?:Seq Scan|Index Scan using \w+|Heap Scan) on (\w+)", plan)
    )
    assert tables == {"services", "service_states", "shown_windows", "latest_digests"}


async def test_maintenance_is_announced_and_taken_back(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    made = await add(client, "https://a.example.com")
    path = "/api/monitor/maintenance/"
    body = {
        "service": made["id"],
        "starts_at": "2030-01-01T00:00:00Z",
        "ends_at": "2030-01-01T02:00:00+03:30",
        "reason": "move",
    }
    refused = await client.post(path, json=body)
    assert refused.status_code == 422
    assert "ends_at" in refused.json()["detail"]
    body["ends_at"] = "2030-01-01T02:00:00Z"
    assert (await stranger.post(path, json=body)).status_code == 422
    window = await client.post(path, json=body)
    assert window.status_code == 201
    assert (await client.get(path)).json()["count"] == 1
    assert (await client.delete(f"{path}{window.json()['id']}/")).status_code == 204
    assert (await client.get(path)).json()["count"] == 0


async def test_routes_keep_their_secrets(client: httpx.AsyncClient) -> None:
    path = "/api/monitor/alert-routes/"
    hook = {"kind": "webhook", "name": "hook", "url": "https://hooks.example.com/x"}
    made = await client.post(path, json=hook)
    assert made.status_code == 201, made.text
    secret = made.json()["secret"]
    assert len(secret) > 20
    assert secret not in (await client.get(path)).text
    mail = {"kind": "email", "name": "mail", "to": "ops@example.com"}
    assert (await client.post(path, json=mail)).json()["target"] == "ops@example.com"
    bot = {
        "kind": "telegram",
        "name": "bot",
        "channel_id": str(uuid4()),
        "chat_id": "1",
    }
    assert (await client.post(path, json=bot)).status_code == 422
    for wrong in ({**mail, "to": "nobody"}, {**hook, "url": "ftp://x"}):
        assert (await client.post(path, json=wrong)).status_code == 422


async def test_stats_show_windows_and_the_points_of_a_chart(
    client: httpx.AsyncClient, http: MisbehavingServer
) -> None:
    http.on("/", answer())
    made = await add(client, http.url)
    await client.post(f"{SERVICES}{made['id']}/check/")
    stats = (await client.get(f"{SERVICES}{made['id']}/stats/")).json()
    assert stats["unit"] == "hour"
    (point,) = stats["points"]
    assert (point["checks"], point["passed"]) == (1, 1)
    assert point["p50_ms"] <= point["p95_ms"]
    month = await client.get(f"{SERVICES}{made['id']}/stats/", params={"period": "30d"})
    assert month.json()["unit"] == "day"
