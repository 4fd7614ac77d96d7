"""Inserts many results of checks at a time."""

from datetime import datetime, timedelta
from uuid import uuid4

import numpy as np

from actors.monitor.analysis.features import DAY_S, Flags, Numbers
from persistence.database import Pool
from persistence.ids import ServiceId, TenantId

STEP = timedelta(minutes=5)
#: A Saturday's midnight; nothing depends on it.
UNTIL = datetime.fromisoformat("2026-11-21T00:00:00+00:00")

_INSERT = """
INSERT INTO check_results (id, tenant_id, service_id, slot_at, checked_at, ok,
    latency_ms, attempts)
SELECT gen_random_uuid(), $1, $2, at, at, ok, CASE WHEN ok THEN latency END, 1
FROM unnest($3::timestamptz[], $4::real[], $5::boolean[]) AS r(at, latency, ok)
"""


def build_times(days: float, until: datetime = UNTIL) -> list[datetime]:
    """Build the times of checks, every five minutes, up to `until`."""
    count = round(days * DAY_S / STEP.total_seconds())
    return [until - STEP * (count - index) for index in range(count)]


def build_latencies(count: int, usual_ms: float = 100.0, seed: int = 0) -> Numbers:
    """Build the latencies of a service that is as usual: a few percent to and fro."""
    noise = np.random.default_rng(seed).normal(0, 0.03, count)
    return np.asarray(usual_ms * np.exp(noise), dtype=np.float64)


async def add_plain_service(
    pool: Pool, tenant_id: TenantId, name: str = "checkout"
) -> ServiceId:
    """Add a service that nobody checks."""
    service_id = ServiceId(uuid4())
    await pool.execute(
        "INSERT INTO services (id, tenant_id, name, base_url)"
        " VALUES ($1, $2, $3, 'https://shop.example')",
        service_id,
        tenant_id,
        name,
    )
    await pool.execute(
        "INSERT INTO service_states (service_id, tenant_id) VALUES ($1, $2)",
        service_id,
        tenant_id,
    )
    return service_id


async def add_checks(
    pool: Pool,
    tenant_id: TenantId,
    service_id: ServiceId,
    latencies: Numbers,
    *,
    failed: Flags | None = None,
    until: datetime = UNTIL,
) -> None:
    """Add checks up to `until`, one for each latency."""
    times = build_times(len(latencies) * STEP.total_seconds() / DAY_S, until)
    passed = [True] * len(times) if failed is None else [not one for one in failed]
    await pool.execute(
        _INSERT, tenant_id, service_id, times, latencies.tolist(), passed
    )
