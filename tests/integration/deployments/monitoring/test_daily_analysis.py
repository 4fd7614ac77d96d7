"""The daily analysis: once a day for each tenant, whatever happens to one of them."""

from datetime import UTC, datetime, timedelta

import pytest

from deployments.monitoring.analysis import Analysis
from deployments.monitoring.analysis_jobs import (
    AnalysisRequest,
    AnalysisRunner,
    InlineAnalysis,
)
from deployments.monitoring.daily_analysis import MAX_ATTEMPTS, DailyAnalysis, find_due
from deployments.monitoring.errors import AnalysisFailedError
from persistence.analysis import fetch_digests_page
from persistence.database import Pool
from persistence.ids import TenantId
from persistence.tenants import create_tenant
from tests.support.checks import add_plain_service
from tests.support.clock import FakeClock

#: After the time at which services are made in these tests, which is the real one.
MORNING = datetime(2126, 3, 1, 4, 30, tzinfo=UTC)
RETENTION = timedelta(days=30)


class Failing:
    """Fails for one tenant; remembers who was asked for."""

    def __init__(self, pool: Pool, tenant_id: TenantId) -> None:
        self.asked: list[TenantId] = []
        self._tenant_id = tenant_id
        self._here = InlineAnalysis(pool)

    async def run(self, question: AnalysisRequest) -> Analysis | None:
        """Analyse, or fail."""
        self.asked.append(question.tenant_id)
        if question.tenant_id == self._tenant_id:
            raise AnalysisFailedError
        return await self._here.run(question)


def build(
    pool: Pool, clock: FakeClock, analyses: AnalysisRunner | None = None
) -> DailyAnalysis:
    return DailyAnalysis(pool, clock, analyses or InlineAnalysis(pool), RETENTION)


async def add_tenant(pool: Pool, name: str) -> TenantId:
    tenant = await create_tenant(pool, name)
    await add_plain_service(pool, tenant.id)
    return tenant.id


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-03-02T04:29:59+00:00", "2026-03-01T04:30:00+00:00"),
        ("2026-03-02T04:30:00+00:00", "2026-03-02T04:30:00+00:00"),
        ("2026-03-02T23:00:00+00:00", "2026-03-02T04:30:00+00:00"),
    ],
)
def test_a_day_ends_at_half_past_four(now: str, due: str) -> None:
    assert find_due(datetime.fromisoformat(now)).isoformat() == due


async def test_each_tenant_has_one_digest_a_day(pool: Pool) -> None:
    tenant_id = await add_tenant(pool, "shop")
    clock = FakeClock(MORNING + timedelta(hours=1))
    daily = build(pool, clock)
    assert await daily.run_due() == 1
    assert await daily.run_due() == 0
    # Also after a restart.
    assert await build(pool, clock).run_due() == 0
    clock.advance(timedelta(days=1))
    assert await daily.run_due() == 1
    count, rows = await fetch_digests_page(pool, tenant_id, None, 10, 0)
    assert count == 4
    assert {row.period_end for row in rows} == {
        MORNING,
        MORNING + timedelta(days=1),
    }


async def test_a_tenant_without_services_has_no_daily_digest(pool: Pool) -> None:
    await create_tenant(pool, "empty")
    assert await build(pool, FakeClock(MORNING)).run_due() == 0


async def test_an_analysis_that_fails_holds_nobody_up_and_is_given_up(
    pool: Pool,
) -> None:
    broken = await add_tenant(pool, "broken")
    sound = await add_tenant(pool, "sound")
    analyses = Failing(pool, broken)
    daily = build(pool, FakeClock(MORNING), analyses)
    for _ in range(MAX_ATTEMPTS + 2):
        await daily.run_due()
    assert analyses.asked.count(sound) == 1
    assert analyses.asked.count(broken) == MAX_ATTEMPTS


async def test_old_digests_are_forgotten_with_the_results(pool: Pool) -> None:
    tenant_id = await add_tenant(pool, "shop")
    clock = FakeClock(MORNING)
    await build(pool, clock).run_due()
    clock.advance(RETENTION + timedelta(days=2))
    await build(pool, clock).run_due()
    _, rows = await fetch_digests_page(pool, tenant_id, None, 10, 0)
    assert {row.period_end for row in rows} == {find_due(clock.now())}
