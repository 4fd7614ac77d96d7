"""The mirror's scripts on a real Valkey: who may write, and what they find."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest

from persistence.database import Pool
from persistence.errors import MirrorPlaceLostError, MirrorUnreachableError
from persistence.ids import ConversationId
from persistence.mirror import Found, Look, MirrorConnection, Mirrored, Place
from persistence.queries import load_queries
from tests.support.valkey import Valkey

SARA = ConversationId(UUID(int=7))
TIMEOUT = timedelta(seconds=60)
AI_ON = Mirrored(SARA, ai_enabled=True, pending_share=None)
AI_OFF = Mirrored(SARA, ai_enabled=False, pending_share=None)
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


async def test_a_look_says_what_was_there_before_it_was_made_right(
    redis: MirrorConnection, valkey: Valkey
) -> None:
    place = Place(0, 1, 1)
    assert await redis.take(place, {0: 1}, "") is None
    assert await redis.write(place, []) == []
    shared = Mirrored(SARA, ai_enabled=False, pending_share='{"text": "کپشن"}')
    found = [
        await redis.write(place, [row]) for row in (AI_ON, AI_ON, shared, shared, AI_ON)
    ]
    assert found == [
        [Look(Found.ABSENT, Found.NOTHING_WANTED)],
        [Look(Found.RIGHT, Found.NOTHING_WANTED)],
        [Look(Found.WRONG, Found.ABSENT)],
        [Look(Found.RIGHT, Found.RIGHT)],
        [Look(Found.WRONG, Found.WRONG)],
    ]
    async with valkey.reader() as reader:
        assert sorted(await reader.keys()) == [f"ai_control_{SARA}", "pilito_mirror_0"]


@pytest.mark.parametrize("later", [Place(0, 2, 1), Place(0, 1, 2)])
async def test_a_write_that_was_long_on_its_way_is_refused(
    redis: MirrorConnection, valkey: Valkey, later: Place
) -> None:
    early = Place(0, 1, 1)
    await redis.take(early, {0: 1}, "")
    async with MirrorConnection(valkey.url, TIMEOUT) as newer:
        assert await newer.take(later, {0: later.epoch}, "") is None
        await newer.write(later, [AI_OFF])
        with pytest.raises(MirrorPlaceLostError):
            await redis.write(early, [AI_ON])
        # Neither can it take the place back, unless it has asked who has the right.
        assert await redis.take(early, {0: 1}, "") == str(later)
        assert await newer.write(later, [AI_OFF]) == [
            Look(Found.RIGHT, Found.NOTHING_WANTED)
        ]
    assert await redis.take(early, {0: 1}, str(later)) is None


async def test_an_emptied_mirror_refuses_writes_until_the_place_is_taken(
    redis: MirrorConnection, valkey: Valkey
) -> None:
    place = Place(0, 1, 1)
    await redis.take(place, {0: 1}, "")
    async with valkey.reader() as reader:
        await reader.flushall()
        await reader.script_flush()
        with pytest.raises(MirrorPlaceLostError):
            await redis.write(place, [AI_ON])
        assert await reader.keys() == []


async def test_a_starting_shard_ends_the_places_of_shards_before_it(
    redis: MirrorConnection,
) -> None:
    # Four shards ran; now two do, and conversations of the third are the first's.
    old, living = Place(2, 4, 1), Place(1, 5, 1)
    await redis.take(old, {2: 4}, "")
    await redis.take(living, {1: 5}, "")
    await redis.take(Place(0, 5, 1), {0: 5, 1: 5, 2: 5}, "")
    with pytest.raises(MirrorPlaceLostError):
        await redis.write(old, [AI_ON])
    await redis.write(living, [AI_OFF])


async def test_what_stands_in_the_place_of_a_place_is_overwritten(
    redis: MirrorConnection, valkey: Valkey
) -> None:
    async with valkey.reader() as reader:
        await reader.lpush("pilito_mirror_0", "no place")
    with pytest.raises(MirrorPlaceLostError):
        await redis.write(Place(0, 1, 1), [AI_ON])
    await redis.take(Place(0, 1, 1), {0: 1}, "")
    await redis.write(Place(0, 1, 1), [AI_ON])


async def test_a_connection_that_broke_does_not_come_back_by_itself(
    redis: MirrorConnection, valkey: Valkey
) -> None:
    place = Place(0, 1, 1)
    await redis.take(place, {0: 1}, "")
    await valkey.stop()
    await valkey.start()
    with pytest.raises(MirrorUnreachableError):
        await redis.write(place, [AI_ON])


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
