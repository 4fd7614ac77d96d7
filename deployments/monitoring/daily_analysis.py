"""Analyzes every tenant's checks once a day, while this runtime is the leader."""

import asyncio
from datetime import datetime, time, timedelta

import structlog

from actors.clock import Clock
from deployments.monitoring.analysis_jobs import AnalysisRequest, AnalysisRunner
from deployments.monitoring.errors import AnalysisError
from persistence.analysis import delete_old_findings, fetch_due_tenants
from persistence.database import Pool
from persistence.ids import TenantId
from persistence.watch import Lease

#: Eight in the morning in Tehran: the shop opens, and the digest is there.
DUE_AT = time(4, 30)
DAY = timedelta(days=1)
POLL_INTERVAL_S = 60.0
#: For a tenant and a day: more attempts would fail, too.
MAX_ATTEMPTS = 3

log = structlog.get_logger("monitor_analysis")


class DailyAnalysis:
    """Analyzes the day that ended last, for tenants without its digest."""

    def __init__(
        self, pool: Pool, clock: Clock, runner: AnalysisRunner, retention: timedelta
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._runner = runner
        self._retention = retention
        self._attempts: dict[TenantId, int] = {}
        self._due: datetime | None = None

    async def run(self, _: Lease) -> None:
        """Analyze what is due, every minute. Writes are idempotent: no lease needed."""
        while True:
            await self.run_due()
            await asyncio.sleep(POLL_INTERVAL_S)

    async def run_due(self) -> int:
        """Analyze tenants without a digest of the last day; return their number."""
        now = self._clock.now()
        due = find_due(now)
        if due != self._due:
            self._due, self._attempts = due, {}
            await delete_old_findings(self._pool, now - self._retention)
        done = 0
        for tenant_id in await fetch_due_tenants(self._pool, due):
            if self._attempts.get(tenant_id, 0) >= MAX_ATTEMPTS:
                continue
            self._attempts[tenant_id] = self._attempts.get(tenant_id, 0) + 1
            done += await self._analyze(tenant_id, due)
        return done

    async def _analyze(self, tenant_id: TenantId, due: datetime) -> bool:
        try:
            analysis = await self._runner.run(AnalysisRequest(tenant_id, due, DAY))
        except AnalysisError as error:
            log.warning(
                "daily_analysis_failed", tenant_id=str(tenant_id), error=str(error)
            )
            return False
        if analysis is not None:
            log.info(
                "daily_analysis_done",
                tenant_id=str(tenant_id),
                checks=analysis.checks,
                anomalies=analysis.anomaly_count,
                alerts_sent=analysis.alerts_sent,
            )
        return analysis is not None


def find_due(now: datetime) -> datetime:
    """Find the end of the last day.

    >>> find_due(datetime.fromisoformat("2026-03-02T04:29:00+00:00")).isoformat()
    '2026-03-01T04:30:00+00:00'
    """
    today = now.replace(hour=DUE_AT.hour, minute=DUE_AT.minute, second=0, microsecond=0)
    return today if today <= now else today - DAY
