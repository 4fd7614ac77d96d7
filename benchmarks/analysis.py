"""Measures an analysis of a thousand services, and whether it delays others.

    python -m benchmarks.analysis [--services 1000] [--days 1]

The analysis runs in a Ray worker. Meanwhile this process measures its own event loop as
the checks would feel it: the delay of a short sleep.
"""

import argparse
import asyncio
import os
import shutil
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import psutil
import ray

from actors.clock import SystemClock
from deployments.monitoring.analysis_jobs import AnalysisRequest, RayAnalysis
from persistence import migrate
from persistence.database import Pool, open_pool
from persistence.embedded.server import EmbeddedPostgres
from persistence.ids import TenantId
from persistence.tenants import create_tenant

STEP_S = 300.0
TICK_S = 0.01
COLUMNS = (
    "id",
    "tenant_id",
    "service_id",
    "slot_at",
    "checked_at",
    "ok",
    "latency_ms",
    "attempts",
)


async def fill(
    pool: Pool, tenant_id: TenantId, services: int, days: float, until: datetime
) -> None:
    """Fill the tables: daily cycles, noise, and a slow hour in one of ten services."""
    random = np.random.default_rng(7)
    count = round(days * 86_400 / STEP_S)
    at = [until - timedelta(seconds=STEP_S * (count - n)) for n in range(count)]
    cycle = 1 + 0.2 * np.sin(np.arange(count) * 2 * np.pi / 288)
    for number in range(services):
        service_id = uuid4()
        await pool.execute(
            "INSERT INTO services (id, tenant_id, name, base_url)"
            " VALUES ($1, $2, $3, 'https://shop.example')",
            service_id,
            tenant_id,
            f"service {number}",
        )
        noise = np.exp(random.normal(0, 0.1, count))
        latencies = random.uniform(20, 400) * cycle * noise
        if number % 10 == 0:
            latencies[-12:] *= 5
        records = [
            _record(tenant_id, service_id, when, float(latency))
            for when, latency in zip(at, latencies, strict=True)
        ]
        await pool.copy_records_to_table(
            "check_results", records=records, columns=list(COLUMNS)
        )
    await pool.execute("ANALYZE check_results")


async def measure_lateness(stop: asyncio.Event) -> list[float]:
    """Measure by how many seconds short sleeps come late."""
    late: list[float] = []
    while not stop.is_set():
        begin = time.perf_counter()
        await asyncio.sleep(TICK_S)
        late.append(time.perf_counter() - begin - TICK_S)
    return late


async def measure_worker(stop: asyncio.Event) -> tuple[int, float]:
    """Measure the most memory of the worker in bytes, and its processor's seconds."""
    memory, cpu, me = 0, 0.0, psutil.Process()
    while not stop.is_set():
        for child in me.children(recursive=True):
            try:
                if child.cmdline()[:1] == ["ray::analyze"]:
                    memory = max(memory, child.memory_info().rss)
                    cpu = max(cpu, sum(child.cpu_times()[:2]))
            except psutil.Error:
                continue
        await asyncio.sleep(0.1)
    return memory, cpu


def start_ray(dsn: str) -> None:
    """Start a Ray runtime whose workers find the database."""
    os.environ["PILITO_DATABASE_URL"] = dsn
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)


async def run(dsn: str, services: int, days: float) -> None:
    """Fill a database, analyse it twice and print."""
    pool = await open_pool(dsn, max_size=2)
    tenant = await create_tenant(pool, f"bench {uuid4().hex[:6]}")
    until = SystemClock().now().astimezone(UTC).replace(microsecond=0)
    await fill(pool, tenant.id, services, days, until)
    rows = await pool.fetchval("SELECT count(*) FROM check_results")
    print(f"{services} services, {rows} rows")
    start_ray(dsn)
    runner = RayAnalysis()
    for title in ("first", "again"):
        stop = asyncio.Event()
        watching = asyncio.gather(measure_lateness(stop), measure_worker(stop))
        begin = time.perf_counter()
        analysis = await runner.run(
            AnalysisRequest(tenant.id, until, timedelta(days=1))
        )
        took = time.perf_counter() - begin
        stop.set()
        late, (memory, cpu) = await watching
        assert analysis is not None  # noqa: S101 - the tenant was just made
        print(
            f"{title}: {took:.1f} s, {cpu:.1f} s of CPU beside PostgreSQL's,"
            f" {analysis.checks} checks of the day,"
            f" {analysis.anomaly_count} anomalies, {memory / 2**20:.0f} MB;"
            f" event loop late p99 {1000 * float(np.quantile(late, 0.99)):.1f} ms,"
            f" at most {1000 * max(late):.1f} ms"
        )
    await pool.close()
    ray.shutdown()


def main() -> None:
    """Run on a database of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--days", type=float, default=1.0)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    postgres = EmbeddedPostgres(folder / "data", log_dir=folder)
    try:
        dsn = postgres.start()
        migrate.upgrade(dsn)
        asyncio.run(run(dsn, options.services, options.days))
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _record(
    tenant_id: TenantId, service_id: UUID, at: datetime, latency_ms: float
) -> tuple[object, ...]:
    return (uuid4(), tenant_id, service_id, at, at, True, latency_ms, 1)


if __name__ == "__main__":
    main()
