"""Measures the monitor: one slot of many services, its memory, its statements, lists.

Run it: `python -m benchmarks.monitor [--services 1000]`. Everything is on this machine:
the database, the server that is asked, and the process that asks.
"""

import argparse
import asyncio
import multiprocessing
import os
import shutil
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from uuid import uuid4

import asyncpg
import psutil

from actors.clock import SystemClock
from actors.monitor.checker import HttpChecker
from actors.monitor.guarded import Walls
from actors.monitor.health_log import HealthLog
from actors.monitor.monitor import Monitor, MonitorParts
from actors.monitor.slots import LONGEST_SPREAD, slot_at
from config.logging import setup_logging
from persistence import migrate
from persistence.check_results import fetch_global_digest, fetch_summary
from persistence.database import Connection as Link
from persistence.database import Pool, open_pool, prepare_connection
from persistence.embedded import EmbeddedPostgres
from persistence.ids import TenantId
from persistence.monitor import Period
from persistence.rollups import refresh_windows
from persistence.secrets import Cipher
from persistence.services import ServiceSpec, create_service
from persistence.tenants import create_tenant
from persistence.watch import claim_lease

CRON = "*/5 * * * *"
DAYS = 30
SUMMARIES = 20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=1000)
    arguments = parser.parse_args()
    # Spawned before the event loop and the database: its memory is not the monitor's.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    port: int = ours.recv()
    folder = Path(tempfile.mkdtemp(prefix="monitor-"))
    setup_logging(folder / "logs", "monitor")
    postgres = EmbeddedPostgres(folder / "postgres", log_dir=folder / "logs")
    try:
        dsn = postgres.start()
        migrate.upgrade(dsn)
        asyncio.run(_measure(dsn, folder, port, arguments.services))
    finally:
        postgres.stop()
        server.terminate()
        shutil.rmtree(folder, ignore_errors=True)


def _serve(pipe: Connection) -> None:
    asyncio.run(_answer(pipe))


async def _answer(pipe: Connection) -> None:
    """Answer every request at once, on one connection each."""

    async def handle(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, backlog=1024)
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def _measure(dsn: str, folder: Path, port: int, services: int) -> None:
    pool = await open_pool(dsn, max_size=4)
    cipher = Cipher("a secret of the benchmark, long enough")
    tenant = await create_tenant(pool, "benchmark")
    for number in range(services):
        spec = ServiceSpec(
            f"service {number:05}",
            f"http://127.0.0.1:{port}",
            f"/{number}",
            headers={"Authorization": "Bearer a-token-of-the-service"},
        )
        await create_service(pool, cipher, tenant.id, spec)
    await pool.execute("UPDATE services SET enabled_at = now() - interval '6 minutes'")
    await pool.close()
    await _measure_slot(dsn, folder, cipher, services)
    pool = await open_pool(dsn, max_size=4)
    await _measure_lists(pool, tenant.id)
    await pool.close()


async def _measure_slot(dsn: str, folder: Path, cipher: Cipher, services: int) -> None:
    statements: list[str] = []
    pool = await _open_counting(dsn, statements)
    process = psutil.Process(os.getpid())
    before_mb = process.memory_info().rss / 2**20
    clock = SystemClock()
    lines = HealthLog(folder / "logs", clock, retention=timedelta(days=30))
    parts = MonitorParts(pool, HttpChecker(Walls()), cipher, clock, lines)
    monitor = Monitor(parts, CRON, uuid4())
    lease = await claim_lease(pool, uuid4(), timedelta(hours=1))
    if lease is None:
        raise RuntimeError
    recording = asyncio.create_task(monitor.recorder.run(lease))
    slot = slot_at(CRON, clock.now())
    print(f"{services} services, spread over {LONGEST_SPREAD.total_seconds():g} s")
    for name in ("first slot", "second slot"):
        statements.clear()
        cpu = sum(process.cpu_times()[:2])
        began = time.perf_counter()
        await monitor.open_slot(lease, slot)
        await monitor.round.settle()
        await monitor.recorder.settle()
        took = time.perf_counter() - began
        cpu = sum(process.cpu_times()[:2]) - cpu
        count = len(statements)
        stored = await pool.fetch(
            "SELECT checked_at, latency_ms, ok FROM check_results WHERE slot_at = $1",
            slot,
        )
        passed = sum(row["ok"] for row in stored)
        latencies = sorted(row["latency_ms"] or 0.0 for row in stored)
        print(
            f"  {name}: finished and stored after {took:.2f} s,"
            f" {passed} of {len(stored)} passed,"
            f" p50 {latencies[len(latencies) // 2]:.1f} ms,"
            f" p99 {latencies[int(len(latencies) * 0.99)]:.1f} ms,"
            f" {count} statements ({count / services:.3f} a result),"
            f" {cpu:.2f} s of CPU"
        )
        slot += timedelta(minutes=5)
    peak_mb = process.memory_info().rss / 2**20
    print(f"  memory: {before_mb:.0f} MB before, {peak_mb:.0f} MB after")
    recording.cancel()
    await asyncio.gather(recording, return_exceptions=True)
    await monitor.stop()
    await pool.close()


async def _open_counting(dsn: str, seen: list[str]) -> Pool:
    """Open a pool whose connections note every statement that they run."""

    async def prepare(connection: Link) -> None:
        await prepare_connection(connection)
        connection.add_query_logger(lambda record: seen.append(record.query))

    return await asyncpg.create_pool(dsn, min_size=4, max_size=4, init=prepare)


async def _measure_lists(pool: Pool, tenant_id: TenantId) -> None:
    now = datetime.now(UTC)  # noqa: TID251 - a measurement's own history
    began = time.perf_counter()
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
    for table in ("check_rollups", "services", "service_states", "service_windows"):
        await pool.execute(f"VACUUM ANALYZE {table}")
    rows = await pool.fetchval("SELECT count(*) FROM check_rollups")
    print(f"{rows} rollups of {DAYS} days, made in {time.perf_counter() - began:.0f} s")
    for period in Period:
        async with pool.acquire() as db, db.transaction():
            began = time.perf_counter()
            await refresh_windows(db, period, now)
            print(f"  windows of {period}: {time.perf_counter() - began:.2f} s")
    times = []
    count = 0
    for _ in range(SUMMARIES):
        began = time.perf_counter()
        count = len(await fetch_summary(pool, tenant_id))
        await fetch_global_digest(pool, tenant_id)
        times.append((time.perf_counter() - began) * 1000)
    print(
        f"  summary of {count} services: p50 {statistics.median(times):.1f} ms,"
        f" slowest {max(times):.1f} ms"
    )


if __name__ == "__main__":
    main()
