"""`pilito analyze-logs`: analyzes now, and prints the digests."""

from collections.abc import Callable
from datetime import timedelta

from actors.clock import SystemClock
from config.settings import Settings
from deployments.monitoring.analysis_jobs import (
    AnalysisRequest,
    InlineAnalysis,
    build_model,
)
from persistence.analysis import fetch_latest_digest, fetch_tenants_with_services
from persistence.database import Pool, open_pool
from persistence.ids import TenantId
from persistence.tenants import fetch_tenant, fetch_tenant_by_name

#: Exit statuses.
OK, NOTHING = 0, 2


async def analyze_logs(
    dsn: str,
    settings: Settings,
    tenant: str | None,
    hours: int,
    echo: Callable[[str], None],
) -> int:
    """Analyze one tenant, or all that have services; return the exit status."""
    model = build_model(settings)
    pool = await open_pool(dsn, max_size=2)
    try:
        wanted = await _find_tenants(pool, tenant)
        if not wanted:
            echo("nothing to analyze: no such business, or it has no services")
            return NOTHING
        runner = InlineAnalysis(pool, model)
        until = SystemClock().now().replace(microsecond=0)
        for tenant_id in wanted:
            span = timedelta(hours=hours)
            analysis = await runner.run(AnalysisRequest(tenant_id, until, span))
            digest = await fetch_latest_digest(pool, tenant_id, None)
            named = await fetch_tenant(pool, tenant_id)
            if analysis is None or digest is None or named is None:
                continue
            echo(
                f"{named.name}: {analysis.services} services, {analysis.checks} checks,"
                f" {analysis.anomaly_count} anomalies,"
                f" {analysis.alerts_sent} alerts sent"
            )
            echo(f"{digest.summary_text}\n")
    finally:
        await pool.close()
        if model is not None:
            await model.close()
    return OK


async def _find_tenants(pool: Pool, name: str | None) -> tuple[TenantId, ...]:
    if name is None:
        return await fetch_tenants_with_services(pool)
    tenant = await fetch_tenant_by_name(pool, name)
    return () if tenant is None else (tenant.id,)
