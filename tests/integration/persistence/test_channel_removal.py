"""A channel that goes while its first message comes: one of the two, and no remains."""

import asyncio

import pytest

from actors.conversation.shard.batch_builder import BatchBuilder
from persistence import journal
from persistence.channels import ChannelInUseError, remove_channel
from persistence.database import Pool
from persistence.errors import BatchRefusedError
from persistence.journal import Batch, PostgresJournal
from tests.support.conversation.conversations import CHANNEL, TENANT, Story
from tests.support.conversation.seeding import add_channel
from tests.support.waiting import time_limit

TABLES = ("customers", "conversations", "conversation_events", "messages", "timers")


@pytest.fixture(autouse=True)
async def channel(pool: Pool) -> None:
    await add_channel(pool)


def first_message() -> Batch:
    story, builder = Story(), BatchBuilder()
    event = story.customer_event("سلام", 1, "m1")
    builder.add(event, story.apply(event), 1, is_new=True)
    return builder.batch


async def count_rows(pool: Pool) -> dict[str, int]:
    return {
        table: await pool.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608
        for table in TABLES
    }


async def wait_until_locked(pool: Pool) -> None:
    """Wait until a statement waits for another; each look is a round trip."""
    waiting = (
        "SELECT EXISTS (SELECT FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock')"
    )
    async with time_limit(lambda: "no statement waits for a lock"):
        while not await pool.fetchval(waiting):
            pass


async def test_a_first_message_waits_for_the_removal_and_leaves_nothing(
    pool: Pool,
) -> None:
    writer = PostgresJournal(pool)
    epoch = await writer.raise_epoch(0)
    async with pool.acquire() as connection, connection.transaction():
        assert await remove_channel(connection, TENANT, CHANNEL)
        commit = asyncio.create_task(writer.commit_batch(epoch, first_message(), 1))
        await wait_until_locked(pool)
    with pytest.raises(BatchRefusedError):
        await commit
    assert await count_rows(pool) == dict.fromkeys(TABLES, 0)


async def test_a_removal_waits_for_the_first_message_and_is_refused(pool: Pool) -> None:
    epoch = await PostgresJournal(pool).raise_epoch(0)
    async with pool.acquire() as shard, pool.acquire() as api:
        async with shard.transaction():
            await journal.commit_batch(shard, epoch, first_message(), 1)
            removal = asyncio.create_task(remove_channel(api, TENANT, CHANNEL))
            await wait_until_locked(pool)
        with pytest.raises(ChannelInUseError):
            await removal
    found = await count_rows(pool)
    assert found == dict.fromkeys(TABLES, 1)


async def test_a_channel_that_is_gone_takes_no_message(pool: Pool) -> None:
    async with pool.acquire() as connection:
        assert await remove_channel(connection, TENANT, CHANNEL)
    writer = PostgresJournal(pool)
    epoch = await writer.raise_epoch(0)
    with pytest.raises(BatchRefusedError):
        await writer.commit_batch(epoch, first_message(), 1)
    assert await count_rows(pool) == dict.fromkeys(TABLES, 0)
