"""Uptime bars of many services: counts, shares and worst statuses, in one query."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from actors.clock import SystemClock
from deployments.web.api.monitor.uptime import build_buckets
from persistence.check_results import Buckets, fetch_uptime, upsert_rollups
from persistence.database import Pool
from persistence.ids import ServiceId, TenantId
from persistence.monitor import RollupRow, RollupUnit, Status
from persistence.queries import load_queries
from persistence.users import User
from tests.support.monitors import add_service

PATH = "/api/monitor/uptime/"
HOUR = timedelta(hours=1)
NOON = datetime(2026, 3, 21, 12, 30, tzinfo=UTC)
FIRST = datetime(2026, 3, 21, 9, tzinfo=UTC)
MOVE = """
INSERT INTO service_transitions (id, tenant_id, service_id, at, old, new, reason)
VALUES (gen_random_uuid(), $1, $2, $3, $4, $5, '')
"""


def rollup(
    tenant: TenantId, service: ServiceId, at: datetime, checks: int, passed: int
) -> RollupRow:
    return RollupRow(
        tenant, service, RollupUnit.HOUR, at, checks + 1, passed, 1, 0.0, (), ()
    )


def test_buckets_are_no_finer_than_the_rollups() -> None:
    assert build_buckets(NOON, 4, 4) == Buckets(RollupUnit.HOUR, FIRST, HOUR, 4)
    assert build_buckets(NOON, 24, 90).count == 24
    assert build_buckets(NOON, 168, 90) == Buckets(
        RollupUnit.HOUR, FIRST + 4 * HOUR - 168 * HOUR, 2 * HOUR, 84
    )
    month = build_buckets(NOON, 90 * 24, 90)
    assert (month.unit, month.width, month.count) == (RollupUnit.DAY, 24 * HOUR, 90)
    assert month.since + 90 * month.width == datetime(2026, 3, 22, tzinfo=UTC)


async def test_counts_and_the_worst_status_of_each_bucket(
    pool: Pool, alice: User, bob: User
) -> None:
    tenant = alice.tenant_id
    first = await add_service(pool, tenant, "https://a.example", "a")
    quiet = await add_service(pool, tenant, "https://b.example", "b")
    foreign = await add_service(pool, bob.tenant_id, "https://c.example", "c")
    for at, old, new in (
        (FIRST - 5 * HOUR, "unknown", "degraded"),
        (FIRST + HOUR / 2, "up", "down"),
        (FIRST + HOUR * 3 / 2, "down", "up"),
    ):
        await pool.execute(MOVE, tenant, first.id, at, old, new)
    await pool.execute(
        "UPDATE service_states SET status = 'up' WHERE service_id = $1", quiet.id
    )
    async with pool.acquire() as db, db.transaction():
        await upsert_rollups(
            db,
            [
                rollup(tenant, first.id, FIRST - HOUR, 9, 9),
                rollup(tenant, first.id, FIRST, 12, 9),
                rollup(tenant, first.id, FIRST + 3 * HOUR, 4, 4),
                rollup(bob.tenant_id, foreign.id, FIRST, 5, 5),
            ],
        )
    rows = await fetch_uptime(
        pool, tenant, [first.id, quiet.id, foreign.id], build_buckets(NOON, 4, 4)
    )
    shown = {(row.service_id, row.bucket): tuple(row[2:]) for row in rows}
    assert shown == {
        (first.id, 0): (12, 9, Status.DOWN),
        (first.id, 1): (0, 0, Status.DOWN),
        (first.id, 2): (0, 0, Status.UP),
        (first.id, 3): (4, 4, Status.UP),
        **{(quiet.id, bucket): (0, 0, Status.UP) for bucket in range(4)},
    }
    (half, other) = (
        tuple(row[2:])
        for row in await fetch_uptime(
            pool, tenant, [first.id], build_buckets(NOON, 4, 2)
        )
    )
    assert (half, other) == ((12, 9, Status.DOWN), (4, 4, Status.UP))


async def test_the_bars_over_the_api(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, pool: Pool, alice: User
) -> None:
    service = await add_service(pool, alice.tenant_id, "https://a.example", "a")
    hour = SystemClock().now().replace(minute=0, second=0, microsecond=0)
    async with pool.acquire() as db, db.transaction():
        await upsert_rollups(db, [rollup(alice.tenant_id, service.id, hour, 4, 3)])
    query = {"service_id": [str(service.id), str(uuid4())]}
    shown = (await client.get(PATH, params=query)).json()
    assert shown["bucket_hours"] == 1
    (found,) = shown["services"]
    assert UUID(found["service_id"]) == service.id
    assert len(found["buckets"]) == 24
    # The hour may end in the middle of this test.
    (counted,) = [one for one in found["buckets"] if one["checks"]]
    assert (counted["checks"], counted["uptime"]) == (4, 0.75)
    assert datetime.fromisoformat(counted["starts_at"]) == hour
    assert [one["uptime"] for one in found["buckets"] if not one["checks"]] == [
        None
    ] * 23
    theirs = (await stranger.get(PATH, params=query)).json()
    assert theirs["services"] == []


@pytest.mark.parametrize(
    "query",
    [
        "",
        "service_id=x",
        "&".join([f"service_id={UUID(int=1)}"] * 101),
        *(
            f"service_id={UUID(int=1)}&{wrong}"
            for wrong in (
                "hours=0",
                "hours=2161",
                "hours=x",
                "buckets=0",
                "buckets=101",
            )
        ),
    ],
)
async def test_what_can_not_be_shown_is_422(
    client: httpx.AsyncClient, query: str
) -> None:
    assert (await client.get(f"{PATH}?{query}")).status_code == 422


async def test_the_bars_are_read_by_index(pool: Pool) -> None:
    statement = load_queries("check_results")["fetch_uptime"]
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")
        rows = await connection.fetch(
            f"EXPLAIN {statement}",
            *(uuid4(), [uuid4()], "hour", FIRST, HOUR, 24, list(Status)),
        )
    plan = "\n".join(row[0] for row in rows)
    assert "Seq Scan on check_rollups" not in plan, plan
    assert "service_transitions_tenant" in plan or "service_transitions_" in plan
