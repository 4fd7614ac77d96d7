"""The monitor on a real Ray: `kill -9` in the middle of a slot, analyses in workers."""

import asyncio
import os
import threading
import warnings
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Self

import httpx
import psutil
import pytest

from actors.clock import SystemClock
from deployments.monitoring.errors import AnalysisBusyError, AnalysisFailedError
from persistence.analysis import try_lock_analysis
from persistence.database import Pool
from persistence.ids import ServiceId, TenantId
from persistence.tenants import create_tenant
from tests.cluster.conftest import INTERVAL, Shop, wait_until

with warnings.catch_warnings():
    # Ray's own imports warn of its own fields.
    warnings.simplefilter("ignore")
    import ray

    from deployments.monitoring.analysis_jobs import AnalysisRequest, RayAnalysis

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

SERVICES = 30


class Watched:
    """Answers checks, one of them badly; takes notices."""

    def __init__(self) -> None:
        self.checks: Counter[str] = Counter()
        self.notices: list[str] = []
        #: While it is not set, all who ask are kept waiting.
        self.may_answer = threading.Event()
        self.may_answer.set()
        watched = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                watched.checks[self.path] += 1
                watched.may_answer.wait()
                # A plain no: it is not asked again.
                self.send_response(404 if self.path == "/0" else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_POST(self) -> None:
                watched.notices.append(self.headers["X-Pilito-Alert-Id"])
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __repr__(self) -> str:
        return f"{sum(self.checks.values())} checks, notices {self.notices}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.may_answer.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def watched() -> Iterator[Watched]:
    with Watched() as watched:
        yield watched


@pytest.fixture
def ids(shop: Shop, watched: Watched) -> Iterator[list[str]]:
    """Have the services watched, and whoever is down told of, for one test."""
    route = {"kind": "webhook", "name": "hook", "url": f"{watched.url}/notice"}
    told = shop.api.post("/api/monitor/alert-routes/", json=route)
    assert told.status_code == 201, told.text
    ids = [add(shop.api, watched, number) for number in range(SERVICES)]
    yield ids
    for service_id in ids:
        shop.api.delete(f"/api/monitor/services/{service_id}/").raise_for_status()
    path = f"/api/monitor/alert-routes/{told.json()['id']}/"
    shop.api.delete(path).raise_for_status()


def find_monitor(shop: Shop) -> psutil.Process:
    return shop.runtime.find("ray::HealthMonitor")


def test_a_kill_in_the_middle_of_a_slot_loses_and_doubles_nothing(
    shop: Shop, watched: Watched, ids: list[str]
) -> None:
    victim = find_monitor(shop)
    wait_until(lambda: sum(watched.checks.values()) >= SERVICES)
    wait_until(lambda: bool(watched.notices))
    # The next slot has begun, and can't come to its end.
    watched.may_answer.clear()
    done = sum(watched.checks.values())
    wait_until(lambda: sum(watched.checks.values()) >= done + SERVICES // 3)

    victim.kill()

    watched.may_answer.set()
    killed_at = sum(watched.checks.values())
    wait_until(lambda: sum(watched.checks.values()) >= killed_at + 2 * SERVICES)
    missed = 0
    for number, service_id in enumerate(ids):
        # Counted first: slots go on while results are read.
        asked = watched.checks[f"/{number}"]
        rows = results(shop.api, service_id)
        slots = sorted(datetime.fromisoformat(row["slot_at"]) for row in rows)
        # Each slot once, and none is left out.
        assert [b - a for a, b in pairwise(slots)] == [INTERVAL] * (len(slots) - 1)
        # Nobody was asked more often than there were slots to ask in.
        assert asked <= len(slots) + 1
        missed += sum(bool(row["missed"]) for row in rows)
    assert missed >= 1
    alerts = shop.api.get("/api/monitor/alerts/", params={"kind": "down"}).json()
    mine = [row for row in alerts["results"] if row["service"] == ids[0]]
    assert len(mine) == 1
    assert set(watched.notices) >= {mine[0]["id"]}
    assert watched.notices.count(mine[0]["id"]) == 1
    assert find_monitor(shop).pid != victim.pid
    shop.wait_until_parts("ok", "monitor")


def add(api: httpx.Client, watched: Watched, number: int) -> str:
    made = api.post(
        "/api/monitor/services/",
        json={
            "name": f"service {number}",
            "base_url": watched.url,
            "health_path": f"/{number}",
            "failure_threshold": 1,
        },
    )
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def results(api: httpx.Client, service_id: str) -> list[dict[str, str]]:
    page = api.get(
        "/api/monitor/results/", params={"service": service_id, "page_size": 200}
    )
    found: list[dict[str, str]] = page.json()["results"]
    return found


@pytest.mark.usefixtures("workers")
class TestAnalysis:
    """Analyses in workers of a Ray runtime that has nothing else to do."""

    # Ray leaves sockets of its own to the collector.
    pytestmark = pytest.mark.filterwarnings("ignore")

    @pytest.fixture
    def workers(self, dsn: str) -> Iterator[None]:
        """Run a Ray runtime whose workers find the test's database."""
        ours = dict(os.environ)
        environment = {"PILITO_DATABASE_URL": dsn}
        ray.init(
            num_cpus=1, include_dashboard=False, runtime_env={"env_vars": environment}
        )
        yield
        ray.shutdown()
        os.environ.clear()
        os.environ.update(ours)

    async def test_a_worker_analyzes_and_ends(self, pool: Pool) -> None:
        tenant = await create_tenant(pool, "shop")
        runner = RayAnalysis()
        analysis = await runner.run(request(tenant.id))
        assert analysis is not None
        assert (analysis.tenant_id, analysis.services) == (tenant.id, 0)
        gone = ServiceId(tenant.id)
        assert await runner.run(request(tenant.id, gone)) is None
        await wait_until_no_worker()
        async with pool.acquire() as db:
            assert await try_lock_analysis(db, tenant.id)
            with pytest.raises(AnalysisBusyError):
                await runner.run(request(tenant.id))

    async def test_an_analysis_gives_way_to_others_and_is_ended_when_it_takes_too_long(
        self, pool: Pool
    ) -> None:
        tenant = await create_tenant(pool, "shop")
        runner = RayAnalysis(timeout=timedelta(seconds=20))
        async with pool.acquire() as db, db.transaction():
            await db.execute("LOCK TABLE tenants")
            running = asyncio.create_task(runner.run(request(tenant.id)))
            assert await sees_quiet_worker(running)
            with pytest.raises(AnalysisFailedError, match="too long"):
                await running
            await wait_until_no_worker()

    async def test_an_analysis_that_breaks_is_a_failed_one(self, pool: Pool) -> None:
        tenant = await create_tenant(pool, "shop")
        await pool.execute("ALTER TABLE services RENAME TO gone")
        with pytest.raises(AnalysisFailedError):
            await RayAnalysis().run(request(tenant.id))


def request(
    tenant_id: TenantId, service_id: ServiceId | None = None
) -> AnalysisRequest:
    now = SystemClock().now()
    return AnalysisRequest(tenant_id, now, timedelta(days=1), service_id)


def find_workers() -> list[psutil.Process]:
    workers = []
    for child in psutil.Process().children(recursive=True):
        try:
            if child.cmdline()[:1] == ["ray::analyze"]:
                workers.append(child)
        except psutil.Error:
            continue
    return workers


async def sees_quiet_worker(running: "asyncio.Task[object]") -> bool:
    """Wait for a worker that gives way to this process; False if there was none."""
    own = psutil.Process().nice()
    while not running.done():
        if any(worker.nice() > own for worker in find_workers()):
            return True
        await asyncio.sleep(0.05)
    return False


async def wait_until_no_worker() -> None:
    while find_workers():  # noqa: ASYNC110 - Ray tells nobody
        await asyncio.sleep(0.05)
