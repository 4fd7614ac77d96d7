"""The mirror's scripts on a real Valkey: which writes count."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from persistence.database import Pool
from persistence.errors import MirrorEmptiedError, MirrorUnreachableError
from persistence.ids import ConversationId
from persistence.mirror import (
    VERSIONS_KEY,
    KeyState,
    KeyStates,
    MirrorConnection,
    MirrorRow,
)
from persistence.queries import load_queries
from tests.support.servers.valkey import Valkey

SARA = ConversationId(UUID(int=7))
TIMEOUT = timedelta(seconds=60)
AI_ON = MirrorRow(SARA, version=7, ai_enabled=True, pending_share=None)
AI_OFF = MirrorRow(SARA, version=7, ai_enabled=False, pending_share=None)
ROWS = 2000


@pytest.fixture
async def valkey() -> AsyncIterator[Valkey]:
    valkey = Valkey()
    await valkey.start()
    yield valkey
    await valkey.stop()


@pytest.fixture
async def redis(valkey: Valkey) -> AsyncIterator[MirrorConnection]:
    async with MirrorConnection(valkey.url, TIMEOUT) as connection:
        yield connection


async def write(
    redis: MirrorConnection, rows: list[MirrorRow], epoch: int = 1
) -> list[KeyStates]:
    """Write for shard 0."""
    return await redis.write(0, epoch, rows)


async def test_a_write_returns_the_states_of_the_keys_before(
    redis: MirrorConnection, valkey: Valkey
) -> None:
    with pytest.raises(MirrorEmptiedError):
        await write(redis, [])
    assert await write(redis, []) == []
    shared = replace(AI_OFF, pending_share='{"text": "کپشن"}')
    states = [
        await write(redis, [replace(row, version=version)])
        for version, row in enumerate((AI_ON, AI_ON, shared, shared, AI_ON))
    ]
    assert states == [
        [KeyStates(KeyState.ABSENT, KeyState.NOT_WANTED)],
        [KeyStates(KeyState.RIGHT, KeyState.NOT_WANTED)],
        [KeyStates(KeyState.WRONG, KeyState.ABSENT)],
        [KeyStates(KeyState.RIGHT, KeyState.RIGHT)],
        [KeyStates(KeyState.WRONG, KeyState.WRONG)],
    ]
    async with valkey.reader() as reader:
        assert sorted(await reader.keys()) == [f"ai_control_{SARA}", VERSIONS_KEY]


async def test_a_write_that_was_long_on_its_way_is_refused(
    redis: MirrorConnection, valkey: Valkey
) -> None:
    later = replace(AI_OFF, version=AI_ON.version + 1)
    async with MirrorConnection(valkey.url, TIMEOUT) as newer:
        with pytest.raises(MirrorEmptiedError):
            await write(newer, [later], epoch=2)
        # The mark of the first epoch is not there any more: it has to ask who it is.
        with pytest.raises(MirrorEmptiedError):
            await write(redis, [AI_ON])
        refused = KeyStates(KeyState.NEWER, KeyState.NEWER, later.version)
        assert await write(redis, [AI_ON]) == [refused]
        async with valkey.reader() as reader:
            assert await reader.get(f"ai_control_{SARA}") == '{"ai_enabled": false}'
        with pytest.raises(MirrorEmptiedError):
            await write(newer, [later], epoch=2)


async def test_a_version_that_was_disproved_is_overwritten_once(
    redis: MirrorConnection,
) -> None:
    left_behind = replace(AI_OFF, version=900)
    with pytest.raises(MirrorEmptiedError):
        await write(redis, [left_behind])
    ahead, right = KeyState.NEWER, KeyState.NOT_WANTED
    assert await redis.write(0, 1, [AI_ON], {SARA: 800}) == [
        KeyStates(ahead, ahead, 900)
    ]
    assert await redis.write(0, 1, [AI_ON], {SARA: 900}) == [
        KeyStates(KeyState.WRONG, right)
    ]
    later = replace(AI_OFF, version=8)
    assert await write(redis, [later]) == [KeyStates(KeyState.WRONG, right)]
    # Sent again, or late: what was disproved is not there any more.
    assert await redis.write(0, 1, [AI_ON], {SARA: 900}) == [KeyStates(ahead, ahead, 8)]


async def test_an_emptied_mirror_is_noticed_by_each_shard(
    redis: MirrorConnection, valkey: Valkey
) -> None:
    for shard in (0, 1):
        with pytest.raises(MirrorEmptiedError):
            await redis.write(shard, 1, [])
    async with valkey.reader() as reader:
        await reader.flushall()
        await reader.script_flush()
    for shard in (0, 1):
        with pytest.raises(MirrorEmptiedError):
            await redis.write(shard, 1, [AI_ON])
        await redis.write(shard, 1, [AI_ON])


async def test_conversations_keep_their_versions_when_shards_change(
    redis: MirrorConnection,
) -> None:
    # Four shards ran; now two do, and conversations of the third are the first's.
    with pytest.raises(MirrorEmptiedError):
        await redis.write(0, 5, [replace(AI_OFF, version=9)])
    with pytest.raises(MirrorEmptiedError):
        await redis.write(2, 4, [AI_ON])
    (states,) = await redis.write(2, 4, [AI_ON])
    assert states.newer_version == 9


@pytest.mark.parametrize("field", [str(SARA), "shard-0"])
async def test_a_version_that_is_no_number_is_overwritten(
    redis: MirrorConnection, valkey: Valkey, field: str
) -> None:
    async with valkey.reader() as reader:
        await reader.hset(VERSIONS_KEY, field, "no number")
    with pytest.raises(MirrorEmptiedError):
        await write(redis, [AI_ON])
    await write(redis, [AI_ON])


async def test_what_stands_in_the_place_of_the_versions_is_overwritten(
    redis: MirrorConnection, valkey: Valkey
) -> None:
    async with valkey.reader() as reader:
        await reader.lpush(VERSIONS_KEY, "no version")
    with pytest.raises(MirrorEmptiedError):
        await write(redis, [AI_ON])
    await write(redis, [AI_ON])


async def test_a_connection_that_broke_does_not_come_back_by_itself(
    redis: MirrorConnection, valkey: Valkey
) -> None:
    with pytest.raises(MirrorEmptiedError):
        await write(redis, [])
    await valkey.stop()
    await valkey.start()
    with pytest.raises(MirrorUnreachableError):
        await write(redis, [AI_ON])


@pytest.mark.parametrize(
    "url",
    ["redis://:geheim@127.0.0.1:1/0", "nothing://:geheim@there", "redis://:geh/eim@x"],
)
async def test_no_reason_shows_the_password(url: str) -> None:
    with pytest.raises(MirrorUnreachableError) as unreachable:
        async with MirrorConnection(url, TIMEOUT):
            pass
    assert "geh" not in str(unreachable.value)


async def test_a_page_is_read_in_the_order_of_its_index(pool: Pool) -> None:
    await pool.execute("INSERT INTO tenants (id, name) VALUES ($1, 'x')", UUID(int=1))
    await pool.execute(
        "INSERT INTO channels (id, tenant_id, kind, name, account_id)"
        " VALUES ($1, $1, 'website', 'x', 'x')",
        UUID(int=1),
    )
    await pool.execute(
        "INSERT INTO customers (id, tenant_id, channel_id, platform_id, created_at)"
        " VALUES ($1, $1, $1, 'x', now())",
        UUID(int=1),
    )
    await pool.execute(
        "INSERT INTO conversations (id, tenant_id, channel_id, customer_id, source,"
        " slot, version, state, status, needs_operator, created_at, updated_at)"
        " SELECT gen_random_uuid(), $1, $1, $1, 'website', n % 1024, 1,"
        " '{\"ai_enabled\": true}', 'active', false, now(), now()"
        " FROM generate_series(1, $2::int) AS n",
        UUID(int=1),
        ROWS,
    )
    await pool.execute("ANALYZE conversations")
    statement = load_queries("mirror")["fetch_mirrored_page"]
    plan = await pool.fetch("EXPLAIN " + statement, UUID(int=0), 250)
    text = "\n".join(row[0] for row in plan)
    assert "conversations_pkey" in text
    assert "Sort" not in text
