"""Measures the monitor: slots of many services, also while a day is analysed.

Run it: `python -m benchmarks.monitor [--services 1000] [--days 8]`. Everything is on
this machine: the database, the server that is asked, and the process that asks.
"""

import argparse
import asyncio
import multiprocessing
import os
import resource
import shutil
import tempfile
import time
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from uuid import uuid4

import asyncpg
import psutil
import ray

from actors.clock import SystemClock
from actors.monitor.checks.checker import HttpChecker, Target
from actors.monitor.checks.outcome import Outcome
from actors.monitor.checks.slots import LONGEST_SPREAD, offset_of, slot_at
from actors.monitor.checks.ssrf_guard import EgressPolicy
from actors.monitor.health_log import HealthLog
from actors.monitor.monitor import Monitor, MonitorDependencies
from benchmarks.analysis import start_ray
from config.logging import setup_logging
from deployments.monitoring.analysis_jobs import AnalysisRequest, RayAnalysis
from persistence import migrate
from persistence.database import Connection as Link
from persistence.database import Pool, prepare_connection
from persistence.embedded.server import EmbeddedPostgres
from persistence.ids import TenantId
from persistence.secrets import Cipher
from persistence.services import ServiceSpec, create_service
from persistence.tenants import create_tenant
from persistence.watch import Lease, claim_lease, fetch_watched

CRON = "*/5 * * * *"
CIPHER = Cipher("a secret of the benchmark that is long enough")
#: A check each five minutes, with a daily cycle; one service in ten is slow at the end.
HISTORY = """
INSERT INTO check_results (id, tenant_id, service_id, slot_at, checked_at, ok,
    latency_ms, attempts)
SELECT gen_random_uuid(), s.tenant_id, s.id, at, at, true,
    (100 + 20 * sin(extract(epoch FROM at) * 2 * pi() / 86400)) * (0.9 + random() / 5)
    * CASE WHEN s.name LIKE '%0' AND at > now() - interval '1 hour' THEN 5 ELSE 1 END, 1
FROM services s, generate_series(now() - make_interval(days => $1),
    now() - interval '6 minutes', interval '5 minutes') at
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--days", type=int, default=8, help="0: no analysis beside")
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
        asyncio.run(_measure(dsn, folder, port, arguments.services, arguments.days))
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


class TimedChecker(HttpChecker):
    """Notes when each check begins."""

    def __init__(self) -> None:
        super().__init__(EgressPolicy())
        self.began: dict[str, float] = {}

    async def check(self, target: Target) -> Outcome:
        """Check; see HttpChecker."""
        self.began[target.url] = time.monotonic()
        return await super().check(target)


class Bench:
    """A monitor whose slots are opened by hand, and what is measured of each."""

    def __init__(self, pool: Pool, folder: Path, statements: list[str]) -> None:
        clock = SystemClock()
        lines = HealthLog(folder / "logs", clock, retention=timedelta(days=30))
        self.checker = TimedChecker()
        dependencies = MonitorDependencies(pool, self.checker, CIPHER, clock, lines)
        self.monitor = Monitor(dependencies, CRON)
        self._pool, self._statements = pool, statements
        self._process = psutil.Process(os.getpid())
        self._slot = slot_at(CRON, clock.now())

    async def run_slot(self, lease: Lease, name: str) -> None:
        """Run the next slot, print what it took."""
        monitor, slot = self.monitor, self._slot
        self._slot += timedelta(minutes=5)
        planned = await fetch_watched(self._pool, slot, slot)
        self._statements.clear()
        self.checker.began.clear()
        cpu = sum(self._process.cpu_times()[:2])
        began = time.monotonic()
        await monitor.open_slot(lease, slot)
        await monitor.runner.settle()
        await monitor.recorder.settle()
        took = time.monotonic() - began
        cpu = sum(self._process.cpu_times()[:2]) - cpu
        count = len(self._statements)
        late = sorted(
            self.checker.began[one.service.url]
            - began
            - offset_of(one.service.id, LONGEST_SPREAD).total_seconds()
            for one in planned
        )
        stored = await self._pool.fetch(
            "SELECT latency_ms, ok FROM check_results WHERE slot_at = $1", slot
        )
        passed = sum(row["ok"] for row in stored)
        latencies = sorted(row["latency_ms"] or 0.0 for row in stored)
        print(
            f"  {name}: finished and stored after {took:.2f} s,"
            f" {passed} of {len(stored)} passed,"
            f" p50 {latencies[len(latencies) // 2]:.1f} ms,"
            f" p99 {latencies[int(len(latencies) * 0.99)]:.1f} ms\n"
            f"    late against their moment: p50 {late[len(late) // 2] * 1000:.0f} ms,"
            f" p99 {late[int(len(late) * 0.99)] * 1000:.0f} ms,"
            f" the last {late[-1] * 1000:.0f} ms;"
            f" {count} statements ({count / len(planned):.3f} a result),"
            f" {cpu:.2f} s of CPU,"
            f" {self._process.memory_info().rss / 2**20:.0f} MB"
        )


async def _measure(dsn: str, folder: Path, port: int, services: int, days: int) -> None:
    statements: list[str] = []
    pool = await _open_counting(dsn, statements)
    tenant = await create_tenant(pool, "benchmark")
    for number in range(services):
        spec = ServiceSpec(
            f"service {number:05}",
            f"http://127.0.0.1:{port}",
            f"/{number}",
            headers={"Authorization": "Bearer a-token-of-the-service"},
        )
        await create_service(pool, CIPHER, tenant.id, spec)
    await pool.execute("UPDATE services SET enabled_at = now() - interval '6 minutes'")
    bench = Bench(pool, folder, statements)
    lease = await claim_lease(pool, uuid4(), timedelta(hours=1))
    if lease is None:
        raise RuntimeError
    recording = asyncio.create_task(bench.monitor.recorder.run(lease))
    print(f"{services} services, spread over {LONGEST_SPREAD.total_seconds():g} s")
    for name in ("first slot", "second slot"):
        await bench.run_slot(lease, name)
    if days:
        await _measure_beside_analysis(bench, pool, lease, dsn, tenant.id, days)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(f"  memory: at most {peak_mb:.0f} MB")
    recording.cancel()
    await asyncio.gather(recording, return_exceptions=True)
    await bench.monitor.stop()
    await pool.close()


async def _measure_beside_analysis(
    bench: Bench, pool: Pool, lease: Lease, dsn: str, tenant_id: TenantId, days: int
) -> None:
    """Open slots one after the other while the day's analysis runs."""
    await pool.execute(HISTORY, days, timeout=300)
    await pool.execute("VACUUM ANALYZE check_results", timeout=300)
    start_ray(dsn)
    request = AnalysisRequest(tenant_id, SystemClock().now(), timedelta(days=1))
    began = time.monotonic()
    analysing = asyncio.create_task(RayAnalysis().run(request))
    while not analysing.done():
        await bench.run_slot(lease, "slot beside the analysis")
    analysis = await analysing
    checks = 0 if analysis is None else analysis.checks
    print(
        f"  analysis of {checks} checks with {days - 1} days before them:"
        f" done within {time.monotonic() - began:.1f} s, beside these slots"
    )
    ray.shutdown()


async def _open_counting(dsn: str, seen: list[str]) -> Pool:
    """Open a pool whose connections note every statement that they run."""

    async def prepare(connection: Link) -> None:
        await prepare_connection(connection)
        connection.add_query_logger(lambda record: seen.append(record.query))

    return await asyncpg.create_pool(dsn, min_size=4, max_size=4, init=prepare)


if __name__ == "__main__":
    main()
