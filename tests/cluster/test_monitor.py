"""`kill -9` of the monitor in the middle of a slot, on a running runtime."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Self

import httpx
import psutil
import pytest

from benchmarks.runtime import RunningRuntime, started

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

SERVICES = 30
#: Seconds stand last in a cron expression of six fields.
CRON = "* * * * * */10"
INTERVAL = timedelta(seconds=10)
PATIENCE_S = 60.0


class Shop:
    """Answers checks after a while, one of them badly; takes notices."""

    def __init__(self) -> None:
        self.checks: Counter[str] = Counter()
        self.notices: list[str] = []
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shop.checks[self.path] += 1
                time.sleep(0.3)
                # A plain no: it is not asked again.
                self.send_response(404 if self.path == "/0" else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_POST(self) -> None:
                shop.notices.append(self.headers["X-Pilito-Alert-Id"])
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture(scope="module")
def watched() -> Iterator[Shop]:
    with Shop() as shop:
        yield shop


@pytest.fixture(scope="module")
def runtime() -> Iterator[RunningRuntime]:
    with started({"PILITO_HEALTH_INTERVAL_CRON": CRON}) as runtime:
        yield runtime


def wait_for(holds: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < give_up_at, "it did not come about"
        time.sleep(0.02)


def find_monitor(runtime: RunningRuntime) -> psutil.Process:
    for child in psutil.Process(runtime.pid).children(recursive=True):
        if "HealthMonitor" in " ".join(child.cmdline()):
            return child
    raise AssertionError


def test_a_kill_in_the_middle_of_a_slot_loses_and_doubles_nothing(
    runtime: RunningRuntime, watched: Shop
) -> None:
    with runtime.sign_in() as api:
        route = {"kind": "webhook", "name": "hook", "url": f"{watched.url}/notice"}
        assert api.post("/api/monitor/alert-routes/", json=route).status_code == 201
        ids = [add(api, watched, number) for number in range(SERVICES)]
        wait_for(lambda: sum(watched.checks.values()) >= SERVICES)
        wait_for(lambda: bool(watched.notices))
        # The next slot has begun and is far from its end.
        done = sum(watched.checks.values())
        wait_for(lambda: sum(watched.checks.values()) >= done + SERVICES // 3)

        victim = find_monitor(runtime)
        victim.kill()

        killed_at = sum(watched.checks.values())
        assert killed_at < done + SERVICES
        wait_for(lambda: sum(watched.checks.values()) >= killed_at + 2 * SERVICES)
        missed = 0
        for number, service_id in enumerate(ids):
            rows = results(api, service_id)
            slots = sorted(datetime.fromisoformat(row["slot_at"]) for row in rows)
            # Each slot once, and none is left out.
            assert [b - a for a, b in pairwise(slots)] == [INTERVAL] * (len(slots) - 1)
            # Nobody was asked more often than there were slots to ask in.
            assert watched.checks[f"/{number}"] <= len(slots) + 1
            missed += sum(bool(row["missed"]) for row in rows)
        assert missed >= 1
        alerts = api.get("/api/monitor/alerts/", params={"kind": "down"}).json()
        mine = [row for row in alerts["results"] if row["service"] == ids[0]]
        assert len(mine) == 1
        assert set(watched.notices) >= {mine[0]["id"]}
        assert watched.notices.count(mine[0]["id"]) == 1
        assert find_monitor(runtime).pid != victim.pid
    ready = httpx.get(f"{runtime.url}/readyz", timeout=30).json()
    assert ready["monitor"]["status"] == "ok"


def add(api: httpx.Client, watched: Shop, number: int) -> str:
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
