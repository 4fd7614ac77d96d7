"""No tenant holds up the checks and analyses of another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from actors.fair_semaphore import FairSemaphore
from deployments.monitoring import errors
from deployments.monitoring.analysis import Analysis
from deployments.monitoring.analysis_jobs import AnalysisQueue, AnalysisRequest
from persistence.database import Pool
from persistence.ids import TenantId
from persistence.tenants import create_tenant
from persistence.users import User
from tests.support.api import Api, connect
from tests.support.monitors import add_service, running_monitor, watching
from tests.support.servers.misbehaving_server import (
    MisbehavingServer,
    answer,
    hang,
    misbehaving_server,
)
from tests.support.waiting import wait_until

SERVICES = "/api/monitor/services/"
SLOT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
async def http() -> AsyncIterator[MisbehavingServer]:
    async with misbehaving_server() as server:
        yield server


async def test_trust_m1_two_hundred_services_that_hang_delay_no_other_tenant(
    pool: Pool, http: MisbehavingServer
) -> None:
    first, second = [(await create_tenant(pool, name)).id for name in ("a", "b")]
    for _ in range(200):
        await add_service(pool, first, http.on("/hang", hang))
    await add_service(pool, second, http.on("/good", answer()))
    async with watching(pool) as watch:
        opening = asyncio.create_task(watch.monitor.open_slot(watch.lease, SLOT))
        try:
            paths = [one.path for one in http.requests]
            await wait_until(
                lambda: (
                    "/good" in [one.path for one in http.requests]
                    and len(http.requests) > 100
                )
            )
            paths = [one.path for one in http.requests]
            # Two thirds of the places at most, whoever else is there.
            assert paths.count("/hang") <= 128
            await wait_until(lambda: bool(watch.lines.lines))
        finally:
            opening.cancel()
            with suppress(asyncio.CancelledError):
                await opening


async def test_trust_m1_places_are_left_to_those_who_come() -> None:
    semaphore = FairSemaphore(12, share=2, spare=4)
    end, counts = asyncio.Event(), {"a": 0, "b": 0, "c": 0}
    tenants = {name: TenantId(uuid4()) for name in counts}

    async def work(name: str) -> None:
        async with semaphore.place(tenants[name]):
            counts[name] += 1
            await end.wait()

    async def crowd(name: str) -> list["asyncio.Task[None]"]:
        tasks = [asyncio.create_task(work(name)) for _ in range(20)]
        for _ in range(3):
            await asyncio.sleep(0)
        return tasks

    tasks = [*await crowd("a"), *await crowd("b"), *await crowd("c")]
    # Two thirds; then b takes its share of the four left, then c.
    assert counts["a"] == 8
    assert counts["b"] >= 2
    assert counts["c"] >= 1
    # One that gives up while waiting leaves no trace, and all are served in the end.
    tasks[19].cancel()
    end.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(counts.values()) == 59
    async with semaphore.place(tenants["c"]):
        pass


async def test_trust_m1_a_place_that_comes_with_a_cancellation_is_given_back() -> None:
    semaphore, tenant = FairSemaphore(1), TenantId(uuid4())
    entered = asyncio.Event()

    async def hold(until: asyncio.Event) -> None:
        async with semaphore.place(tenant):
            entered.set()
            await until.wait()

    end = asyncio.Event()
    holder = asyncio.create_task(hold(end))
    await entered.wait()
    waiter = asyncio.create_task(hold(asyncio.Event()))
    await asyncio.sleep(0)
    end.set()
    await holder
    # Its turn has come, and it has not run yet.
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)
    async with semaphore.place(tenant):
        pass


async def test_trust_m1_services_have_a_quota(
    api: Api, pool: Pool, alice: User, bob: User
) -> None:
    api.max_services = 3
    app = api.build()
    async with connect(app, alice) as client, connect(app, bob) as other:
        bodies = [{"name": str(n), "base_url": "https://a.example"} for n in range(8)]
        made = await asyncio.gather(
            *(client.post(SERVICES, json=body) for body in bodies)
        )
        assert sorted(one.status_code for one in made) == [201] * 3 + [409] * 5
        refused = next(one for one in made if one.status_code == 409)
        assert "3 services" in refused.json()["detail"]
        assert (await other.post(SERVICES, json=bodies[0])).status_code == 201
    count = await pool.fetchval(
        "SELECT count(*) FROM services WHERE tenant_id = $1", alice.tenant_id
    )
    assert count == 3


async def test_trust_m1_a_service_is_checked_on_demand_every_ten_seconds(
    api: Api, pool: Pool, alice: User, http: MisbehavingServer
) -> None:
    url = http.on("/", answer())
    async with running_monitor(pool) as monitor:
        api.monitor = monitor
        async with connect(api.build(), alice) as client:
            ids = [
                (
                    await client.post(SERVICES, json={"name": name, "base_url": url})
                ).json()["id"]
                for name in ("one", "other")
            ]
            answers = await asyncio.gather(
                *(client.post(f"{SERVICES}{ids[0]}/check/") for _ in range(10))
            )
            statuses = sorted(one.status_code for one in answers)
            assert statuses == [200] + [429] * 9
            refused = next(one for one in answers if one.status_code == 429)
            assert 1 <= int(refused.headers["Retry-After"]) <= 10
            other = await client.post(f"{SERVICES}{ids[1]}/check/")
            assert other.status_code == 200
    assert len(http.requests) == 2


class SlowAnalysis:
    """Analyses that never end by themselves, in the queue of the real ones."""

    def __init__(self) -> None:
        self.queue = AnalysisQueue(max_waiting=1)
        self.begun: list[TenantId] = []
        self.cancelled: list[TenantId] = []
        self.end = asyncio.Event()

    async def run(self, request: AnalysisRequest) -> Analysis | None:
        """Wait for the turn, and for the end of the test."""
        async with self.queue.turn(request.tenant_id):
            self.begun.append(request.tenant_id)
            try:
                await self.end.wait()
            except asyncio.CancelledError:
                self.cancelled.append(request.tenant_id)
                raise
        return None


def request_of(tenant_id: TenantId) -> AnalysisRequest:
    return AnalysisRequest(tenant_id, SLOT, timedelta(days=1))


async def test_trust_m2_a_second_analysis_of_a_tenant_is_refused_at_once(
    api: Api, alice: User, bob: User
) -> None:
    api.analysis = slow = SlowAnalysis()
    app = api.build()
    async with connect(app, alice) as client, connect(app, bob) as other:
        first = asyncio.create_task(client.post("/api/monitor/analyze/"))
        await wait_until(lambda: len(slow.begun) == 1)
        second = await client.post("/api/monitor/analyze/")
        assert second.status_code == 409
        theirs = asyncio.create_task(other.post("/api/monitor/analyze/"))
        third = await client.post("/api/monitor/analyze/")
        assert third.status_code == 409
        slow.end.set()
        # There is nothing to show, but both had their turn.
        assert [(await one).status_code for one in (first, theirs)] == [404, 404]
    assert slow.begun == [alice.tenant_id, bob.tenant_id]


async def test_trust_m2_the_queue_of_analyses_is_bounded() -> None:
    slow = SlowAnalysis()
    tenants = [TenantId(uuid4()) for _ in range(3)]
    running = [asyncio.create_task(slow.run(request_of(one))) for one in tenants[:2]]
    await wait_until(lambda: len(slow.begun) == 1)
    with pytest.raises(errors.AnalysisQueueFullError):
        await slow.run(request_of(tenants[2]))
    # One who waits and leaves makes room.
    running[1].cancel()
    await asyncio.gather(running[1], return_exceptions=True)
    third = asyncio.create_task(slow.run(request_of(tenants[2])))
    slow.end.set()
    await asyncio.gather(running[0], third)
    assert slow.begun == [tenants[0], tenants[2]]


async def test_trust_m2_a_caller_that_has_gone_ends_its_analysis(
    api: Api, alice: User
) -> None:
    api.analysis = slow = SlowAnalysis()
    status = await call_and_leave(api.build(), alice, lambda: bool(slow.begun))
    assert (status, slow.cancelled) == (499, [alice.tenant_id])
    # The tenant may begin another at once.
    slow.end.set()
    assert await slow.run(request_of(alice.tenant_id)) is None


async def call_and_leave(app: FastAPI, user: User, may_leave: object) -> int:
    """Ask for an analysis as a server would pass it on, and go away in the middle."""
    async with connect(app, user) as client:
        token = client.headers["authorization"]
    statuses: list[int] = []
    messages = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, object]:
        if messages:
            return messages.pop()
        assert callable(may_leave)
        await wait_until(may_leave)
        return {"type": "http.disconnect"}

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(int(str(message["status"])))

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/api/monitor/analyze/",
        "raw_path": b"/api/monitor/analyze/",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"authorization", token.encode()), (b"host", b"pilito.test")],
        "client": ("127.0.0.1", 1),
        "server": ("pilito.test", 80),
        "app": app,
    }
    await app(scope, receive, send)  # type: ignore[arg-type]
    return statuses[0]


async def test_trust_m2_an_answer_still_arrives_without_haste(
    client: httpx.AsyncClient,
) -> None:
    """The watch over the caller must not end an analysis that goes well."""
    done = await client.post("/api/monitor/analyze/")
    assert done.status_code in {200, 404}
