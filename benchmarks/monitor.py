"""Measures the monitor: one slot of many services, its memory and its statements.

Run it: `python -m benchmarks.monitor [--services 1000]`. Everything is on this machine:
the database, the server that is asked, and the process that asks.
"""

import argparse
import asyncio
import multiprocessing
import os
import shutil
import tempfile
import time
from datetime import timedelta
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
from persistence.database import Connection as Link
from persistence.database import Pool, open_pool, prepare_connection
from persistence.embedded import EmbeddedPostgres
from persistence.secrets import Cipher
from persistence.services import ServiceSpec, create_service
from persistence.tenants import create_tenant
from persistence.watch import claim_lease

CRON = "*/5 * * * *"


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


if __name__ == "__main__":
    main()
