"""The way back from 0015 finds what it needs in rows that were written without keys."""

import asyncio

from actors.conversation.shard.batch_builder import BatchBuilder
from persistence import migrate
from persistence.database import Pool, open_pool
from persistence.journal import PostgresJournal
from tests.support.conversation.conversations import Story
from tests.support.conversation.seeding import add_channel

KEYS = """
SELECT count(*) FROM pg_constraint
WHERE conrelid = 'customers'::regclass AND contype IN ('f', 'u')
"""


async def test_customers_that_came_without_keys_fit_the_keys(
    dsn: str, pool: Pool
) -> None:
    await add_channel(pool)
    story, builder = Story(), BatchBuilder()
    event = story.customer_event("سلام", 1, "m1")
    builder.add(event, story.apply(event), 1, is_new=True)
    writer = PostgresJournal(pool)
    await writer.commit_batch(await writer.raise_epoch(0), builder.batch, 1)
    assert await pool.fetchval(KEYS) == 0
    await pool.close()
    await asyncio.to_thread(migrate.downgrade, dsn, "0014")
    older = await open_pool(dsn)
    try:
        assert await older.fetchval(KEYS) == 2
        assert await older.fetchval("SELECT count(*) FROM customers") == 1
        await asyncio.to_thread(migrate.upgrade, dsn)
        assert await older.fetchval(KEYS) == 0
    finally:
        await older.close()
