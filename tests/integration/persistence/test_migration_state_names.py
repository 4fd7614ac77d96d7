"""The renamed fields of stored states: read by the code now, and back without loss."""

import asyncio
from dataclasses import replace

import orjson

from actors.conversation.codec import decode_state
from actors.conversation.shard.batch_builder import BatchBuilder
from actors.conversation.state import Conversation, Source
from persistence import migrate
from persistence.database import Pool, open_pool
from persistence.journal import PostgresJournal
from tests.support.conversation.conversations import Story
from tests.support.conversation.seeding import add_channel

OLD_NAMES = {"unconfirmed": "doubted", "positions": "placed", "profile_lookup": "quest"}


async def store(pool: Pool, story: Story) -> None:
    """Store a story that is written in one event."""
    builder = BatchBuilder()
    event = story.customer_event("سلام", 0, "m1", order=7)
    builder.add(event, story.apply(event), 1, is_new=True)
    writer = PostgresJournal(pool)
    await writer.commit_batch(await writer.raise_epoch(0), builder.batch, 1)


def lost_part(source: Source, customer: str) -> Story:
    """Return a story with an unconfirmed part, and a look-up of the profile."""
    story = Story(source, customer=customer)
    job = story.ask_and_start("سلام", 0)
    story.ai_writes("سلام!", 3, job=job)
    for seconds in (3, 33, 63):
        story.send_timer_fires(seconds)
    return story


async def replace_state(pool: Pool, stored: Story, state: Conversation) -> None:
    """Let the stored conversation have this state."""
    await pool.execute(
        "UPDATE conversations SET state = $1 WHERE id = $2",
        orjson.loads(orjson.dumps(state)),
        stored.id,
    )


async def test_a_stored_state_is_the_same_under_its_old_and_its_new_names(
    dsn: str, pool: Pool
) -> None:
    await add_channel(pool)
    lost, fresh = lost_part(Source.INSTAGRAM, "sara"), Story(Source.TELEGRAM)
    assert lost.now.unconfirmed
    assert lost.now.profile_lookup is not None
    await store(pool, fresh)
    assert fresh.now.positions
    assert fresh.now.profile_lookup is None
    for story in (fresh, lost):
        await replace_state(pool, fresh, story.now)
        new = await fetch_text(dsn)
        await asyncio.to_thread(migrate.downgrade, dsn, "0015")
        old = await fetch_text(dsn)
        for name, old_name in OLD_NAMES.items():
            assert name in new
            assert name not in old
            assert (old[old_name] is None) == (new[name] is None)
        if story is lost:
            assert set(old["quest"]) == {"ask_at", "misses"}
        await asyncio.to_thread(migrate.upgrade, dsn)
        # What a later migration reads from the messages is not in such a state.
        again = await fetch_text(dsn)
        assert {**again, "inbox": new["inbox"]} == new
        text = await pool.fetchval("SELECT state::text FROM conversations")
        assert replace(decode_state(text), inbox=story.now.inbox) == story.now


async def fetch_text(dsn: str) -> dict[str, dict[str, object]]:
    """Fetch the state of the only conversation, on a connection without a cache."""
    pool = await open_pool(dsn)
    try:
        text = await pool.fetchval("SELECT state::text FROM conversations")
    finally:
        await pool.close()
    state: dict[str, dict[str, object]] = orjson.loads(text)
    return state
