"""Waiting for what a commit brings: asked again after each one, never on the clock."""

import asyncio

from persistence.database import Pool


async def wait_for_count(
    pool: Pool,
    query: str,
    wanted: int,
    *args: object,
    channel: str = "pilito_messages",
) -> None:
    """Wait until `query` counts `wanted`; the test's own time-out is the limit."""
    committed = asyncio.Event()

    def hear(*_: object) -> None:
        committed.set()

    async with pool.acquire() as connection:
        await connection.add_listener(channel, hear)
        try:
            while await connection.fetchval(query, *args) != wanted:
                await committed.wait()
                committed.clear()
        finally:
            await connection.remove_listener(channel, hear)
