"""`/api/monitor/`: analyses, digests and anomalies over the API."""

from datetime import datetime, timedelta

import httpx
import pytest

from actors.clock import SystemClock
from persistence.analysis import try_lock_analysis, unlock_analysis
from persistence.database import Pool
from persistence.ids import ServiceId
from persistence.users import User
from tests.support.checks import add_checks, add_plain_service, build_latencies

LATEST = "/api/monitor/digests/latest/"


@pytest.fixture
def now() -> datetime:
    """When the checks end; tokens are judged by the real clock, so it is that."""
    return SystemClock().now()


@pytest.fixture
async def slow(pool: Pool, alice: User, now: datetime) -> ServiceId:
    """A service of alice's that was four times as slow in the last two hours."""
    service_id = await add_plain_service(pool, alice.tenant_id)
    latencies = build_latencies(3 * 288)
    latencies[-24:] *= 4
    await add_checks(pool, alice.tenant_id, service_id, latencies, until=now)
    return service_id


async def test_an_analysis_on_demand_answers_with_its_digest(
    client: httpx.AsyncClient, slow: ServiceId
) -> None:
    answer = await client.post("/api/monitor/analyze/", json={"period_hours": 24})
    assert answer.status_code == 200, answer.text
    analysis = answer.json()
    assert analysis["anomaly_count"] == 1
    # The first of them may be a day and a moment ago by now.
    assert analysis["checks"] in {287, 288}
    assert analysis["digest"]["service"] is None
    latest = (await client.get(LATEST)).json()
    assert latest == analysis["digest"]
    own = (await client.get(LATEST, params={"service": str(slow)})).json()
    assert (own["service"], own["anomaly_count"]) == (str(slow), 1)


async def test_anomalies_list_their_deviations(
    client: httpx.AsyncClient, slow: ServiceId
) -> None:
    await client.post("/api/monitor/analyze/")
    page = (await client.get("/api/monitor/anomalies/")).json()
    assert page["count"] == 1
    (anomaly,) = page["results"]
    assert anomaly["service"] == str(slow)
    assert anomaly["feature"] == anomaly["deviations"][0]["feature"]
    levels = {one["feature"]: one for one in anomaly["deviations"]}
    assert levels["level"]["value"] == pytest.approx(400, rel=0.1)
    assert levels["level"]["usual"] == pytest.approx(100, rel=0.1)
    assert len(anomaly["result_ids"]) >= 20


async def test_anomalies_are_filtered_by_service_and_time(
    client: httpx.AsyncClient,
    pool: Pool,
    alice: User,
    slow: ServiceId,
    now: datetime,
) -> None:
    other = await add_plain_service(pool, alice.tenant_id, "search")
    await client.post("/api/monitor/analyze/")
    path = "/api/monitor/anomalies/"

    async def count(**wanted: str) -> object:
        return (await client.get(path, params=wanted)).json()["count"]

    assert await count(service=str(slow)) == 1
    assert await count(service=str(other)) == 0
    assert await count(since=(now + timedelta(hours=1)).isoformat()) == 0
    assert await count(until=now.isoformat()) == 1


async def test_digests_are_listed_by_service(
    client: httpx.AsyncClient, slow: ServiceId
) -> None:
    await client.post("/api/monitor/analyze/")
    page = (await client.get("/api/monitor/digests/")).json()
    assert page["count"] == 2
    one = await client.get("/api/monitor/digests/", params={"service": str(slow)})
    assert [row["service"] for row in one.json()["results"]] == [str(slow)]


async def test_another_tenant_sees_and_analyses_none_of_it(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, slow: ServiceId
) -> None:
    await client.post("/api/monitor/analyze/")
    for path in ("digests", "anomalies"):
        page = (await stranger.get(f"/api/monitor/{path}/")).json()
        assert page["count"] == 0
    asked = {"service": str(slow)}
    assert (await stranger.get(LATEST, params=asked)).status_code == 404
    refused = await stranger.post(
        "/api/monitor/analyze/", json={"service_id": str(slow)}
    )
    assert refused.status_code == 404


async def test_before_the_first_analysis_there_is_no_digest(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get(LATEST)
    assert answer.status_code == 404
    assert "analyze" in answer.json()["detail"]


@pytest.mark.parametrize("hours", [0, 745, "day", 1.5])
async def test_a_period_that_makes_no_sense_is_refused_by_its_name(
    client: httpx.AsyncClient, hours: object
) -> None:
    answer = await client.post("/api/monitor/analyze/", json={"period_hours": hours})
    assert answer.status_code == 422
    assert "period_hours" in answer.json()["detail"]


async def test_a_second_analysis_of_a_tenant_waits_for_nobody(
    client: httpx.AsyncClient, pool: Pool, alice: User
) -> None:
    async with pool.acquire() as db:
        assert await try_lock_analysis(db, alice.tenant_id)
        answer = await client.post("/api/monitor/analyze/")
        await unlock_analysis(db, alice.tenant_id)
    assert answer.status_code == 409
    assert (await client.post("/api/monitor/analyze/")).status_code == 200


async def test_nobody_analyses_without_signing_in(nobody: httpx.AsyncClient) -> None:
    assert (await nobody.post("/api/monitor/analyze/")).status_code == 401
