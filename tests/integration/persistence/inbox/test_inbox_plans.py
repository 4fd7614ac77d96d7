"""The inbox's hot queries read by index, however many others the tables hold."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from persistence.queries import load_queries

#: Two tenants of 20 conversations with 100 messages each, timers and dead letters.
FILL = """
INSERT INTO shards (shard, epoch, seq) VALUES (0, 1, 4000), (1, 1, 4000);
INSERT INTO tenants (id, name)
    SELECT pg_temp.to_id(t), 'shop ' || t FROM generate_series(1, 2) t;
INSERT INTO channels (id, tenant_id, kind, name, account_id)
    SELECT pg_temp.to_id(t), pg_temp.to_id(t), 'instagram', 'ig', t::text
    FROM generate_series(1, 2) t;
INSERT INTO customers (id, tenant_id, channel_id, platform_id, created_at)
    SELECT pg_temp.to_id(n), pg_temp.to_id(1 + n % 2), pg_temp.to_id(1 + n % 2),
        n::text, now()
    FROM generate_series(1, 2000) n;
INSERT INTO conversations (id, tenant_id, channel_id, customer_id, source, slot,
        version, state, status, needs_operator, created_at, updated_at)
    SELECT id, tenant_id, channel_id, id, 'instagram', 0, 2, '{}', 'active', false,
        now(), now() + n * interval '1 second'
    FROM (SELECT *, row_number() OVER () AS n FROM customers) k;
INSERT INTO messages (id, tenant_id, conversation_id, shard, seq, position, type,
        content, processing_status, platform_id, created_at)
    SELECT gen_random_uuid(), tenant_id, id, 0, n, n, 'customer', 'سلام', 'pending',
        n::text, now()
    FROM conversations, generate_series(1, 10) n;
UPDATE conversations SET waiting_since = updated_at
    WHERE right(id::text, 2) = '42';
UPDATE conversations SET last_message_id = m.id
    FROM messages m WHERE m.conversation_id = conversations.id AND m.position = 10;
INSERT INTO conversation_events (id, conversation_id, tenant_id, version, shard, seq,
        at, kind, payload)
    SELECT m.id, conversation_id, tenant_id, seq, 0,
        row_number() OVER (ORDER BY seq, m.id), created_at, 'CustomerWrote', '{}'
    FROM messages m;
INSERT INTO outbox (id, conversation_id, message_id, tenant_id, channel_id, part,
        content, delivery, created_at, updated_at)
    SELECT m.id, conversation_id, m.id, m.tenant_id, m.tenant_id, 0, 'x',
        CASE WHEN position = 1 AND m.seq % 500 = 1 THEN 'failed' ELSE 'sent' END,
        now(), now()
    FROM messages m;
INSERT INTO timers (conversation_id, kind, slot, due_at)
    SELECT id, 'reply', 0, now() FROM conversations;
ANALYZE;
"""
TO_ID = """
CREATE FUNCTION pg_temp.to_id(n bigint) RETURNS uuid LANGUAGE sql
RETURN lpad(n::text, 32, '0')::uuid;
"""
TENANT = UUID(int=1)
ONE = UUID(int=2)
#: Noun, query: the index it goes by, the table it must not read whole, its arguments.
HOT: dict[tuple[str, str], tuple[str, str, tuple[object, ...]]] = {
    ("conversations", "fetch_conversations_page"): (
        "conversations_inbox",
        "conversations",
        (TENANT, *(None,) * 11, 20, 0, None, None),
    ),
    ("conversations", "fetch_assigned_page"): (
        "conversations_assigned",
        "conversations",
        (TENANT, ONE, *(None,) * 9, 20, 0, None, None),
    ),
    ("conversations", "fetch_waiting_page"): (
        "conversations_waiting",
        "conversations",
        (TENANT, *(None,) * 9, 20, 0, None, None),
    ),
    ("conversations", "fetch_longest_waiting_page"): (
        "conversations_waiting",
        "conversations",
        (TENANT, *(None,) * 9, 20, 0, datetime(2026, 1, 1, tzinfo=UTC), ONE),
    ),
    ("conversations", "count_waiting"): (
        "conversations_waiting",
        "conversations",
        (TENANT, *(None,) * 9, 1001),
    ),
    ("conversations", "fetch_conversations"): (
        "conversations_pkey",
        "conversations",
        (TENANT, None, [ONE]),
    ),
    ("messages", "fetch_messages_page"): (
        "messages_written",
        "messages",
        (TENANT, ONE, 20, 0, None, None),
    ),
    ("messages", "fetch_messages"): ("messages_pkey", "messages", (TENANT, [ONE])),
    ("messages", "count_same_echoes"): (
        "messages_echoes",
        "messages",
        (TENANT, TENANT, ONE, "سلام", datetime(2026, 1, 1, tzinfo=UTC)),
    ),
    ("feed", "fetch_feed_page"): (
        "conversation_events_feed",
        "conversation_events",
        (TENANT, [0, 1], [19_000, 0], 50),
    ),
    ("feed", "fetch_tenants_with_news"): (
        "conversation_events_feed",
        "conversation_events",
        ([TENANT, ONE], [0], [19_990]),
    ),
    ("history", "fetch_events_page"): (
        "conversation_events_conversation_id_version_key",
        "conversation_events",
        (TENANT, ONE, 20, 0, None),
    ),
    ("journal", "fetch_before_deciding"): (
        "conversation_events_pkey",
        "conversation_events",
        (f'["{ONE}"]', f'["{ONE}"]', "[]"),
    ),
    ("outbox", "fetch_outbox_page"): (
        "outbox_unsent",
        "outbox",
        (TENANT, "failed", None, 20, 0, None, None),
    ),
    ("outbox", "fetch_waiting_conversations"): (
        "outbox_unsent",
        "outbox",
        (TENANT, TENANT, UUID(int=0), 200),
    ),
    ("outbox", "fetch_outbox_conversation"): (
        "outbox_message_id_part_key",
        "outbox",
        (TENANT, ONE),
    ),
    ("customers", "fetch_customers_page"): (
        "customers_tenant",
        "customers",
        (TENANT, None, None, None, 20, 0, None, None),
    ),
}


@pytest.fixture(scope="module")
def filled(server: str) -> str:
    """One database for all plans: filling it takes a second."""
    dsn = server.format(database="inbox_plans")

    async def fill() -> None:
        admin = await asyncpg.connect(server.format(database="postgres"))
        await admin.execute("CREATE DATABASE inbox_plans TEMPLATE pilito_template")
        await admin.close()
        connection = await asyncpg.connect(dsn)
        await connection.execute(TO_ID)
        await connection.execute(FILL)
        await connection.close()

    asyncio.run(fill())
    return dsn


async def explain(dsn: str, statement: str, *arguments: object) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(f"EXPLAIN {statement}", *arguments)
    finally:
        await connection.close()
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize(("noun", "name"), HOT)
async def test_a_hot_query_of_the_inbox_goes_by_its_index(
    filled: str, noun: str, name: str
) -> None:
    index, table, arguments = HOT[noun, name]
    plan = await explain(filled, load_queries(noun)[name], *arguments)
    assert index in plan, plan
    assert f"Seq Scan on {table} " not in plan, plan


async def test_the_page_of_a_whole_inbox_is_not_sorted(filled: str) -> None:
    """Only as many rows are read as the page shows."""
    statement = load_queries("conversations")["fetch_conversations_page"]
    first = (TENANT, *(None,) * 11, 20, 0, None, None)
    further = (*first[:-2], datetime(2026, 12, 1, tzinfo=UTC), ONE)
    for arguments in (first, further):
        plan = await explain(filled, statement, *arguments)
        assert "Sort" not in plan, plan
        assert "conversations_inbox" in plan, plan


async def test_only_those_who_wait_are_read_under_any_plan(filled: str) -> None:
    """A generic plan knows no filter; it must not read the whole inbox either."""
    statement = load_queries("conversations")["fetch_longest_waiting_page"]
    connection = await asyncpg.connect(filled)
    try:
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        types = "uuid,uuid,text,text,text,uuid,boolean,boolean,boolean,boolean"
        types += ",bigint,bigint,timestamptz,uuid"
        await connection.execute(f"PREPARE waits ({types}) AS {statement}")
        rows = await connection.fetch(
            f"EXPLAIN EXECUTE waits ('{TENANT}', {'NULL, ' * 9}20, 0, NULL, NULL)"
        )
    finally:
        await connection.close()
    plan = "\n".join(row[0] for row in rows)
    assert "conversations_waiting" in plan, plan
    assert "Seq Scan on conversations " not in plan, plan


async def test_a_timer_is_cleared_by_its_key(filled: str) -> None:
    """At a shard's start all of them are wanted: then the table is read as it lies."""
    plan = await explain(
        filled,
        "DELETE FROM timers USING unnest($1::uuid[], $2::text[]) AS t (id, kind)"
        " WHERE timers.conversation_id = t.id AND timers.kind = t.kind",
        [ONE],
        ["reply"],
    )
    assert "timers_pkey" in plan, plan
