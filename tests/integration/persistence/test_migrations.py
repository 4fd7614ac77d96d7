"""Migrations of a database that has messages already, and their way back."""

import asyncio
import logging

import asyncpg
import pytest

from persistence import migrate
from persistence.database import Pool

_HOUSE = """
INSERT INTO tenants (id, name) VALUES (to_id(1), 'shop');
INSERT INTO channels (id, tenant_id, kind, name, account_id)
    VALUES (to_id(2), to_id(1), 'website', 'site', 'key');
INSERT INTO customers (id, tenant_id, channel_id, platform_id, created_at)
    VALUES (to_id(3), to_id(1), to_id(2), 'sara', now());
INSERT INTO conversations (id, tenant_id, channel_id, customer_id, source, slot,
    version, state, status, needs_operator, created_at, updated_at)
    VALUES (to_id(4), to_id(1), to_id(2), to_id(3), 'website', 0, 3, '{}', 'active',
        false, now(), now());
INSERT INTO conversation_events (id, conversation_id, version, shard, seq, at, kind,
    payload)
    SELECT gen_random_uuid(), to_id(4), n, 0, n, now(), 'CustomerWrote', '{}'
    FROM generate_series(1, 3) AS n;
INSERT INTO messages (id, tenant_id, conversation_id, shard, seq, type, content,
    processing_status, created_at)
    SELECT id, to_id(1), to_id(4), 0, seq, 'customer', seq::text, 'pending', now()
    FROM conversation_events;
"""
_TO_ID = """
CREATE FUNCTION pg_temp.to_id(n int) RETURNS uuid LANGUAGE sql
RETURN lpad(n::text, 32, '0')::uuid;
"""


async def test_every_step_up_and_down_is_logged_by_its_name(
    dsn: str, pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    await pool.close()
    with caplog.at_level(logging.INFO, "alembic"):
        await asyncio.to_thread(migrate.downgrade, dsn, "0016")
        await asyncio.to_thread(migrate.upgrade, dsn)
    lines = [record.getMessage() for record in caplog.records]
    assert any(line.startswith("Running downgrade 0017 -> 0016") for line in lines)
    assert any(line.startswith("Running upgrade 0016 -> 0017") for line in lines)


async def test_older_rows_get_their_place_tenant_and_messages_and_the_way_back_works(
    dsn: str, pool: Pool
) -> None:
    await pool.close()
    await asyncio.to_thread(migrate.downgrade, dsn, "0001")
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(_TO_ID)
        await connection.execute(_HOUSE.replace("to_id", "pg_temp.to_id"))
        await asyncio.to_thread(migrate.upgrade, dsn, "0002")
        rows = await connection.fetch(
            "SELECT content, position FROM messages ORDER BY position"
        )
        assert [tuple(row) for row in rows] == [("1", 1024), ("2", 2048), ("3", 3072)]
        await asyncio.to_thread(migrate.upgrade, dsn, "0003")
        rows = await connection.fetch(
            "SELECT e.tenant_id = m.tenant_id, e.message_ids = ARRAY[m.id]"
            " FROM conversation_events e JOIN messages m ON m.id = e.id"
        )
        assert [tuple(row) for row in rows] == [(True, True)] * 3
        await asyncio.to_thread(migrate.downgrade, dsn, "0002")
        await asyncio.to_thread(migrate.upgrade, dsn)
    finally:
        await connection.close()
