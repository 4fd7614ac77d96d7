"""What thirty days of history cost those who look at the summary.

python -m benchmarks.monitor_lists [--services 1000]
"""

import argparse
import asyncio
import shutil
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from actors.clock import SystemClock
from persistence import migrate
from persistence.check_results import refresh_windows
from persistence.database import Pool, open_pool
from persistence.embedded.server import EmbeddedPostgres
from persistence.monitor import Period
from persistence.tenants import Tenant, create_tenant
from persistence.users import create_user
from tests.support.api import Api, LocalShards, connect, open_session

DAYS = 30
SUMMARIES = 20
TEXT = "In 24 hours 288 checks, 287 passed; half of them within 123 ms. " * 4
SERVICES = """
INSERT INTO services (id, tenant_id, name, base_url)
SELECT gen_random_uuid(), $1, 'service ' || lpad(n::text, 5, '0'), 'https://shop.example'
FROM generate_series(1, $2) n
"""
STATES = """
INSERT INTO service_states (service_id, tenant_id, status, status_since, state,
    latest_checked_at, latest_status_code, latest_ok, latest_latency_ms, tls_expires_at)
SELECT id, tenant_id, 'up', now(), jsonb_build_object('history', repeat('x', 500)),
    now(), 200, true, 300 * random(), now() FROM services
"""
READ = (
    "check_rollups",
    "services",
    "service_states",
    "shown_windows",
    "latest_digests",
)


def main() -> None:
    """Run on a database of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=1000)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    postgres = EmbeddedPostgres(folder / "data", log_dir=folder)
    try:
        dsn = postgres.start()
        migrate.upgrade(dsn)
        asyncio.run(_measure(dsn, arguments.services))
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def _measure(dsn: str, services: int) -> None:
    """Fill a month of hours, days and digests, then measure and print."""
    pool = await open_pool(dsn, max_size=4)
    tenant = await create_tenant(pool, "benchmark")
    now = SystemClock().now()
    began = time.perf_counter()
    await pool.execute(SERVICES, tenant.id, services)
    await pool.execute(STATES)
    await _fill(pool, tenant, now)
    rows = await pool.fetchval("SELECT count(*) FROM check_rollups")
    print(f"{rows} rollups of {DAYS} days, made in {time.perf_counter() - began:.0f} s")
    for period in Period:
        async with pool.acquire() as db, db.transaction():
            began = time.perf_counter()
            await refresh_windows(db, period, now)
            print(f"  windows of {period}: {time.perf_counter() - began:.2f} s")
    for table in READ:
        await pool.execute(f"VACUUM ANALYZE {table}")
    await _ask(pool, tenant)
    await pool.close()


async def _ask(pool: Pool, tenant: Tenant) -> None:
    """Ask the whole application, as its server would."""
    user = await create_user(pool, tenant.id, "benchmark", "none", is_superuser=False)
    await open_session(pool, user)
    app = Api(pool, LocalShards(pool)).build()
    took, cpu, size, count = [], [], 0, 0
    async with connect(app, user) as client:
        for _ in range(SUMMARIES):
            began, began_cpu = time.perf_counter(), time.process_time()
            answer = await client.get("/api/monitor/health/summary/")
            took.append((time.perf_counter() - began) * 1000)
            cpu.append((time.process_time() - began_cpu) * 1000)
            size, count = len(answer.content), len(answer.json()["services"])
    print(
        f"  summary of {count} services, {size // 1024} kB over the API:"
        f" p50 {statistics.median(took):.1f} ms, quickest {min(took):.1f} ms,"
        f" slowest {max(took):.1f} ms, {statistics.median(cpu):.1f} ms of our CPU"
    )


async def _fill(pool: Pool, tenant: Tenant, now: datetime) -> None:
    await pool.execute(
        """
        INSERT INTO check_rollups SELECT s.tenant_id, s.id, u.unit, u.starts_at,
            u.checks, u.checks, 0, 100, b.buckets, array_fill(1, ARRAY[u.checks])
        FROM services s CROSS JOIN (
            SELECT 'hour' AS unit, date_trunc('hour', $1::timestamptz)
                - make_interval(hours => n) AS starts_at, 12 AS checks
            FROM generate_series(1, $2 * 24) n
            UNION ALL
            SELECT 'day', date_trunc('day', $1::timestamptz) - make_interval(days => n),
                40 FROM generate_series(1, $2) n
        ) u CROSS JOIN LATERAL (
            SELECT array_agg((20 + i)::smallint) AS buckets
            FROM generate_series(1, u.checks) i
        ) b ON CONFLICT DO NOTHING
        """,
        now,
        DAYS,
        timeout=300,
    )
    await pool.execute(
        """
        WITH kept AS (
            INSERT INTO digests (id, tenant_id, service_id, period_start, period_end,
                summary_text, anomaly_count)
            SELECT gen_random_uuid(), $1, s.id,
                $2::timestamptz - make_interval(days => n),
                $2::timestamptz - make_interval(days => n - 1), $3, 1
            FROM generate_series(1, $4) n,
                (SELECT id FROM services UNION ALL SELECT NULL) s
            RETURNING *)
        INSERT INTO latest_digests
        SELECT tenant_id, service_id, period_start, period_end, summary_text,
            anomaly_count
        FROM kept WHERE period_end = $2
        """,
        tenant.id,
        now.astimezone(UTC),
        TEXT,
        DAYS,
        timeout=300,
    )


if __name__ == "__main__":
    main()
