"""The newest message in stored states: what the migration finds is what rules keep."""

import asyncio
from uuid import UUID

import pytest

from actors.conversation.codec import decode_state
from actors.conversation.shard.batch_builder import BatchBuilder
from persistence import migrate
from persistence.database import Pool, open_pool
from persistence.ids import UserId
from persistence.journal import PostgresJournal
from tests.support.conversation.conversations import OPERATOR, Story
from tests.support.conversation.seeding import add_channel

COLLEAGUE = UserId(UUID(int=77))


@pytest.mark.parametrize(
    "writers",
    [
        (),
        (OPERATOR,),
        (OPERATOR, OPERATOR),
        (OPERATOR, COLLEAGUE),
        (COLLEAGUE, OPERATOR, OPERATOR),
        (OPERATOR, None),
        (OPERATOR, None, OPERATOR),
    ],
)
async def test_older_states_learn_their_newest_message(
    dsn: str, pool: Pool, writers: tuple[UserId | None, ...]
) -> None:
    await add_channel(pool)
    story, builder = Story(), BatchBuilder()
    first = story.customer_event("سلام", 0, "m1")
    builder.add(first, story.apply(first), 1, is_new=True)
    for number, user_id in enumerate(writers, start=2):
        if user_id is None:
            event = story.customer_event("باز", number, f"m{number}")
            builder.add(event, story.apply(event), number, is_new=False)
            continue
        answered = story.answer_event("بله", number, user_id=user_id)
        builder.add(answered, story.apply(answered), number, is_new=False)
    writer = PostgresJournal(pool)
    last = 1 + len(writers)
    await writer.commit_batch(await writer.raise_epoch(0), builder.batch, last)
    await asyncio.to_thread(migrate.downgrade, dsn, "0033")
    assert "newest_position" not in await fetch_state(dsn)
    await asyncio.to_thread(migrate.upgrade, dsn)
    assert decode_state(await fetch_state(dsn)).inbox == story.now.inbox


async def fetch_state(dsn: str) -> str:
    """Fetch the state of the only conversation, on a connection without a cache."""
    pool = await open_pool(dsn)
    try:
        return str(await pool.fetchval("SELECT state::text FROM conversations"))
    finally:
        await pool.close()
