"""Blocks come to a database that has documents: edits keep their order, and back."""

import asyncio

import asyncpg

from persistence import migrate
from persistence.database import Pool

OLD = """
INSERT INTO tenants (id, name) VALUES (gen_random_uuid(), 'shop');
INSERT INTO documents (id, tenant_id, source_type, title, text, revision, updated_at)
SELECT gen_random_uuid(), id, 'faq', d.name, 'text', revision, at::timestamptz
FROM tenants, (VALUES ('first', 9, '2026-01-01'), ('second', 4, '2026-01-02'))
    AS d(name, revision, at);
"""


async def test_documents_keep_the_order_of_their_edits_and_wait_for_the_reader(
    dsn: str, pool: Pool
) -> None:
    await pool.close()
    await asyncio.to_thread(migrate.downgrade, dsn, "0018")
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(OLD)
        await asyncio.to_thread(migrate.upgrade, dsn)
        rows = await connection.fetch(
            "SELECT title, content_revision, reader_version FROM documents"
            " ORDER BY content_revision"
        )
        assert [tuple(row) for row in rows] == [("first", 1, 0), ("second", 2, 0)]
        await asyncio.to_thread(migrate.downgrade, dsn, "0018")
        assert await connection.fetchval("SELECT count(*) FROM documents") == 2
        await asyncio.to_thread(migrate.upgrade, dsn)
    finally:
        await connection.close()
