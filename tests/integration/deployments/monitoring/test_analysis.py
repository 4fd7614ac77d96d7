"""The analysis over a real database: anomalies, alerts and digests."""

from collections.abc import AsyncIterator
from datetime import timedelta

import numpy as np
import pytest

from actors.monitor.analysis.digest_words import ISOLATE, ISOLATE_END
from deployments.monitoring.analysis import Analysis, Analyst
from deployments.monitoring.digest_rewriter import BY_RULES, DigestRewriter
from persistence.analysis import (
    AnomalyFilter,
    fetch_anomalies_page,
    fetch_digests_page,
    fetch_latest_digest,
)
from persistence.database import Pool
from persistence.ids import ServiceId, TenantId
from persistence.monitor import AnomalyRow, DigestRow
from persistence.tenants import Tenant, create_tenant
from tests.support.checks import (
    UNTIL,
    add_checks,
    add_plain_service,
    build_latencies,
)
from tests.support.servers.llm_server import (
    MODEL,
    FakeModel,
    Garbage,
    Hang,
    Reply,
    Say,
    running_model,
)

DAY = timedelta(days=1)
#: Checks of eight days, every five minutes.
COUNT = 8 * 288


@pytest.fixture
async def tenant(pool: Pool) -> Tenant:
    return await create_tenant(pool, "shop")


@pytest.fixture
async def model() -> AsyncIterator[FakeModel]:
    async with running_model() as model:
        yield model


async def add_slow_service(
    pool: Pool, tenant_id: TenantId, name: str = "checkout"
) -> ServiceId:
    """Add a service that was four times as slow in the last two hours."""
    service_id = await add_plain_service(pool, tenant_id, name)
    latencies = build_latencies(COUNT)
    latencies[-24:] *= 4
    await add_checks(pool, tenant_id, service_id, latencies)
    return service_id


async def analyze(
    pool: Pool,
    tenant_id: TenantId,
    rewriter: DigestRewriter | None = None,
    service_id: ServiceId | None = None,
) -> Analysis:
    async with pool.acquire() as db:
        analyst = Analyst(db, rewriter or DigestRewriter(None))
        analysis = await analyst.analyze(tenant_id, UNTIL, DAY, service_id)
    assert analysis is not None
    return analysis


async def fetch_anomalies(pool: Pool, tenant_id: TenantId) -> tuple[AnomalyRow, ...]:
    _, rows = await fetch_anomalies_page(pool, tenant_id, AnomalyFilter(), 100, 0)
    return rows


async def fetch_digest(
    pool: Pool, tenant_id: TenantId, service_id: ServiceId | None = None
) -> DigestRow:
    digest = await fetch_latest_digest(pool, tenant_id, service_id)
    assert digest is not None
    return digest


async def speak_english(pool: Pool, tenant_id: TenantId) -> None:
    await pool.execute("UPDATE tenants SET language = 'en' WHERE id = $1", tenant_id)


async def test_a_service_that_got_slow_is_found_since_when_and_by_which_results(
    pool: Pool, tenant: Tenant
) -> None:
    service_id = await add_slow_service(pool, tenant.id)
    analysis = await analyze(pool, tenant.id)
    assert (analysis.services, analysis.checks, analysis.learning) == (1, 288, 0)
    assert analysis.anomaly_count == 1
    (anomaly,) = await fetch_anomalies(pool, tenant.id)
    assert anomaly.service_id == service_id
    assert anomaly.started_at == UNTIL - timedelta(hours=2)
    assert anomaly.ended_at == UNTIL - timedelta(minutes=5)
    assert anomaly.score > 2.5
    first = await pool.fetchval(
        "SELECT id FROM check_results WHERE checked_at = $1", anomaly.started_at
    )
    assert anomaly.result_ids[0] == first


async def test_an_anomaly_is_stored_and_alerted_once_however_often_it_is_found(
    pool: Pool, tenant: Tenant
) -> None:
    await add_slow_service(pool, tenant.id)
    assert (await analyze(pool, tenant.id)).alerts_sent == 1
    assert (await analyze(pool, tenant.id)).alerts_sent == 0
    assert len(await fetch_anomalies(pool, tenant.id)) == 1
    alerts = await pool.fetch("SELECT kind, text FROM alerts")
    assert [alert["kind"] for alert in alerts] == ["anomaly"]
    assert "checkout" in alerts[0]["text"]


async def test_an_anomaly_in_maintenance_raises_no_alert(
    pool: Pool, tenant: Tenant
) -> None:
    await add_slow_service(pool, tenant.id)
    await pool.execute(
        "INSERT INTO maintenance_windows (id, tenant_id, starts_at, ends_at)"
        " VALUES (gen_random_uuid(), $1, $2, $3)",
        tenant.id,
        UNTIL - DAY,
        UNTIL + DAY,
    )
    assert (await analyze(pool, tenant.id)).alerts_sent == 0


async def test_a_service_without_trouble_has_a_digest_that_says_so(
    pool: Pool, tenant: Tenant
) -> None:
    await speak_english(pool, tenant.id)
    service_id = await add_plain_service(pool, tenant.id)
    await add_checks(pool, tenant.id, service_id, build_latencies(COUNT))
    assert (await analyze(pool, tenant.id)).anomaly_count == 0
    digest = await fetch_digest(pool, tenant.id, service_id)
    assert "288 checks, 0 failed: 100% passed (a week before: 100%)" in (
        digest.summary_text
    )
    assert digest.summary_text.endswith("Nothing was unusual.")
    assert digest.written_by == BY_RULES
    assert digest.facts["week_before"] is not None


async def test_on_too_little_data_the_digest_says_that_it_is_learning(
    pool: Pool, tenant: Tenant
) -> None:
    await speak_english(pool, tenant.id)
    service_id = await add_plain_service(pool, tenant.id)
    latencies = build_latencies(100)
    latencies[-5:] *= 50
    await add_checks(pool, tenant.id, service_id, latencies)
    analysis = await analyze(pool, tenant.id)
    assert (analysis.anomaly_count, analysis.learning) == (0, 1)
    digest = await fetch_digest(pool, tenant.id, service_id)
    assert "a day of checks is needed" in digest.summary_text


async def test_a_digest_states_an_outage_with_its_times_and_what_to_do(
    pool: Pool, tenant: Tenant
) -> None:
    await speak_english(pool, tenant.id)
    service_id = await add_plain_service(pool, tenant.id)
    failed = np.zeros(COUNT, bool)
    failed[-6:] = True
    await add_checks(pool, tenant.id, service_id, build_latencies(COUNT), failed=failed)
    await analyze(pool, tenant.id)
    text = (await fetch_digest(pool, tenant.id, service_id)).summary_text
    assert "Down since 2026-11-20 23:30, and still at the end: 6 checks" in text
    assert "What to do: Check now whether the service is running" in text


async def test_services_without_checks_and_tenants_without_services_have_digests(
    pool: Pool, tenant: Tenant
) -> None:
    await analyze(pool, tenant.id)
    await add_plain_service(pool, tenant.id)
    analysis = await analyze(pool, tenant.id)
    assert (analysis.services, analysis.checks) == (1, 0)


async def test_checks_in_maintenance_or_without_a_network_are_not_judged(
    pool: Pool, tenant: Tenant
) -> None:
    await add_slow_service(pool, tenant.id)
    await pool.execute(
        """UPDATE check_results SET metadata = '{"maintenance": true}'
        WHERE checked_at >= $1""",
        UNTIL - timedelta(hours=2),
    )
    analysis = await analyze(pool, tenant.id)
    assert (analysis.anomaly_count, analysis.checks) == (0, 264)


async def test_all_services_at_once_are_an_anomaly_of_their_own(
    pool: Pool, tenant: Tenant
) -> None:
    for name in ("checkout", "search", "stock"):
        await add_slow_service(pool, tenant.id, name)
    assert (await analyze(pool, tenant.id)).anomaly_count == 4
    rows = await fetch_anomalies(pool, tenant.id)
    assert [row.service_id for row in rows].count(None) == 1
    digest = await fetch_digest(pool, tenant.id)
    assert digest.anomaly_count == 4


async def test_one_service_can_be_analysed_alone(pool: Pool, tenant: Tenant) -> None:
    slow = await add_slow_service(pool, tenant.id)
    await add_slow_service(pool, tenant.id, "search")
    await analyze(pool, tenant.id, service_id=slow)
    assert [row.service_id for row in await fetch_anomalies(pool, tenant.id)] == [slow]
    assert await fetch_latest_digest(pool, tenant.id, None) is None


async def test_a_tenants_analysis_knows_nothing_of_anothers(
    pool: Pool, tenant: Tenant
) -> None:
    other = await create_tenant(pool, "other")
    slow = await add_slow_service(pool, other.id)
    assert (await analyze(pool, tenant.id)).services == 0
    async with pool.acquire() as db:
        analyst = Analyst(db, DigestRewriter(None))
        assert await analyst.analyze(tenant.id, UNTIL, DAY, slow) is None
    assert await fetch_anomalies(pool, tenant.id) == ()


async def test_a_period_analysed_twice_has_one_digest(
    pool: Pool, tenant: Tenant
) -> None:
    await add_slow_service(pool, tenant.id)
    await analyze(pool, tenant.id)
    await analyze(pool, tenant.id)
    count, _ = await fetch_digests_page(pool, tenant.id, None, 10, 0)
    assert count == 2


async def test_a_persian_digest_keeps_latin_names_in_one_piece(
    pool: Pool, tenant: Tenant
) -> None:
    service_id = await add_slow_service(pool, tenant.id, "api-v2")
    await analyze(pool, tenant.id)
    text = (await fetch_digest(pool, tenant.id, service_id)).summary_text
    assert f"{ISOLATE}api-v2{ISOLATE_END}" in text
    assert "۲۸۸ بررسی، ۰ ناموفق: ۱۰۰٪ موفق" in text
    assert "چه باید کرد" in text


async def test_the_model_words_what_the_facts_say(
    pool: Pool, tenant: Tenant, model: FakeModel
) -> None:
    await speak_english(pool, tenant.id)
    service_id = await add_slow_service(pool, tenant.id)
    said = "Of 288 checks none failed, but the shop got slow."
    model.answer(Say(said))
    client = model.connect()
    analysis = await analyze(pool, tenant.id, DigestRewriter(client))
    await client.close()
    assert analysis.written_by == MODEL
    digest = await fetch_digest(pool, tenant.id, service_id)
    # The ids are ours, whatever the model makes of them.
    text, _, results = digest.summary_text.partition("\n")
    assert text == said
    (anomaly,) = await fetch_anomalies(pool, tenant.id)
    assert str(anomaly.result_ids[0]) in results
    assert "288 checks, 0 failed" in model.asked[0].text


@pytest.mark.parametrize(
    "reply",
    [
        Say("Of 300 checks 12 failed."),
        Say("x" * 5000),
        Garbage("<html>sign in</html>", "text/html"),
        Hang(),
    ],
    ids=["invents numbers", "rambles", "is a login page", "hangs"],
)
async def test_the_rules_text_stands_when_the_model(
    pool: Pool, tenant: Tenant, model: FakeModel, reply: Reply
) -> None:
    await speak_english(pool, tenant.id)
    service_id = await add_slow_service(pool, tenant.id)
    model.answer(reply)
    client = model.connect()
    timeout = timedelta(seconds=0.5 if isinstance(reply, Hang) else 60)
    rewriter = DigestRewriter(client, timeout)
    analysis = await analyze(pool, tenant.id, rewriter)
    await client.close()
    assert analysis.written_by == BY_RULES
    digest = await fetch_digest(pool, tenant.id, service_id)
    assert "288 checks, 0 failed" in digest.summary_text


async def test_a_model_that_hangs_is_asked_once_not_for_every_service(
    pool: Pool, tenant: Tenant, model: FakeModel
) -> None:
    for name in ("checkout", "search", "stock"):
        await add_slow_service(pool, tenant.id, name)
    model.answer(Hang())
    client = model.connect()
    rewriter = DigestRewriter(client, timeout=timedelta(seconds=2))
    await analyze(pool, tenant.id, rewriter)
    await client.close()
    assert len(model.asked) == 1
