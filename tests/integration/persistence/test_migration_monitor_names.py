"""0016 renames keys of stored JSON, and its way back gives them their former names."""

import asyncio

import orjson

from persistence import migrate
from persistence.database import Pool, open_pool

FORMER_STATE = {
    "status": "down",
    "told_at": "2026-03-01T12:00:00Z",
    "certificate_told": 7,
    "incident": {"id": "1", "told_at": "2026-03-01T12:00:00Z"},
}
STATE = {
    "status": "down",
    "notified_at": "2026-03-01T12:00:00Z",
    "certificate_notified": 7,
    "incident": {"id": "1", "notified_at": "2026-03-01T12:00:00Z"},
}
DEVIATIONS = [{"feature": "level", "ratio": 3.2}]
FORMER_FACTS = {
    "name": "api",
    "odd": [{"began_at": "1", "oddness": DEVIATIONS, "is_habit": False}],
}
FACTS = {
    "name": "api",
    "episodes": [{"began_at": "1", "deviations": DEVIATIONS, "is_recurring": False}],
}
ROWS = """
WITH tenant AS (
    INSERT INTO tenants (id, name) VALUES (gen_random_uuid(), 'shop') RETURNING id
), service AS (
    INSERT INTO services (id, tenant_id, name, base_url)
    SELECT gen_random_uuid(), id, name, 'http://x'
    FROM tenant, unnest(ARRAY['down', 'up', 'new']) name
    RETURNING id, tenant_id, name
), states AS (
    INSERT INTO service_states (service_id, tenant_id, state)
    SELECT id, tenant_id, CASE name WHEN 'down' THEN $1::jsonb
        WHEN 'up' THEN $1::jsonb || '{"incident": null}' END FROM service
), anomalies AS (
    INSERT INTO anomalies (id, tenant_id, started_at, ended_at, score, feature, details)
    SELECT gen_random_uuid(), id, now(), now(), 3.2, 'level', $2 FROM tenant
)
INSERT INTO digests (id, tenant_id, period_start, period_end, summary_text, facts)
SELECT gen_random_uuid(), id, now(), now(), '', facts
FROM tenant, unnest(ARRAY[$3::jsonb, $3::jsonb || '{"odd": []}']) facts
"""


async def read(pool: Pool) -> list[list[object]]:
    """Return all states, details and facts, the shortest first."""
    return [
        [row[0] for row in await pool.fetch(f"{query} ORDER BY length({column}::text)")]
        for query, column in (
            ("SELECT state FROM service_states WHERE state IS NOT NULL", "state"),
            ("SELECT details FROM anomalies", "details"),
            ("SELECT facts FROM digests", "facts"),
        )
    ]


async def test_keys_are_renamed_and_the_way_back_restores_them(
    dsn: str, pool: Pool
) -> None:
    await pool.close()
    await asyncio.to_thread(migrate.downgrade, dsn, "0015")
    older = await open_pool(dsn)
    try:
        await older.execute(ROWS, FORMER_STATE, {"oddness": DEVIATIONS}, FORMER_FACTS)
        former = await read(older)
        await asyncio.to_thread(migrate.upgrade, dsn)
        assert await read(older) == [
            [STATE | {"incident": None}, STATE],
            [{"deviations": DEVIATIONS}],
            [FACTS | {"episodes": []}, FACTS],
        ]
        await asyncio.to_thread(migrate.downgrade, dsn, "0015")
        assert await read(older) == former
        assert orjson.dumps(former).count(b"told_at") == 3
    finally:
        await older.close()
