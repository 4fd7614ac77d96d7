"""Has every tenant's checks analysed once a day, while this runtime watches."""

import asyncio
from datetime import datetime, time, timedelta

import structlog

from actors.clock import Clock
from deployments.monitoring.analysis_jobs import Analyses, Question
from deployments.monitoring.errors import AnalysisBusyError, AnalysisFailedError
from persistence.analysis import delete_old_findings, fetch_due_tenants
from persistence.database import Pool
from persistence.ids import TenantId
from persistence.watch import Lease

#: Eight in the morning in Tehran: the shop opens, and the digest is there.
DUE_AT = time(4, 30)
DAY = timedelta(days=1)
POLL_INTERVAL_S = 60.0
#: Of one tenant on one day; what fails so often will not do better for being asked.
MAX_ATTEMPTS = 3

log = structlog.get_logger("monitor_analysis")


class DailyAnalysis:
    """A duty of the one who watches: the day that ended last, for who lacks it."""

    def __init__(
        self, pool: Pool, clock: Clock, analyses: Analyses, retention: timedelta
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._analyses = analyses
        self._retention = retention
        self._attempts: dict[TenantId, int] = {}
        self._due: datetime | None = None

    async def work(self, _: Lease) -> None:
        """Look every minute. What is written twice is the same: no lease is asked."""
        while True:
            await self.run_due()
            await asyncio.sleep(POLL_INTERVAL_S)

    async def run_due(self) -> int:
        """Analyse the tenants without a digest of the last day; return how many."""
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
            analysis = await self._analyses.run(Question(tenant_id, due, DAY))
        except (AnalysisBusyError, AnalysisFailedError) as error:
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
                told=analysis.told,
            )
        return analysis is not None


def find_due(now: datetime) -> datetime:
    """Find when the last day ended.

    >>> find_due(datetime.fromisoformat("2026-03-02T04:29:00+00:00")).isoformat()
    '2026-03-01T04:30:00+00:00'
    """
    today = now.replace(hour=DUE_AT.hour, minute=DUE_AT.minute, second=0, microsecond=0)
    return today if today <= now else today - DAY
