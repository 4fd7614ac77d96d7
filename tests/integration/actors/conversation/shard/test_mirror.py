"""The mirror on a real Valkey: never wrong for long, and it delays no commit."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY

from actors.conversation.codec import decode_state
from actors.conversation.shard.mirror import MAX_NOTED, MirrorHealth, RedisMirror
from actors.conversation.state import Destination, Source
from persistence.database import Pool
from persistence.ids import ConversationId, derive_conversation_id
from persistence.journal import PostgresJournal
from persistence.mirror import VERSIONS_KEY
from tests.support.conversation.mirrors import (
    CHANNEL,
    OFF,
    ON,
    QUICK,
    MirrorBench,
    ai_key,
    redirect,
    share,
    switch_ai,
    write,
)
from tests.support.logs import LogEar, heard_log
from tests.support.servers.valkey import PASSWORD, QUOTED, Valkey
from tests.support.waiting import time_limit

FAILED = "warning: Failed to set AI control cache: "
MADE_RIGHT = "mirror_made_right"


@pytest.fixture(autouse=True)
def _stops_have_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a stop write what was noted, also on a machine that stops for seconds."""
    monkeypatch.setattr("actors.conversation.shard.mirror.STOP_TIMEOUT_S", 60.0)


@pytest.fixture
async def valkey() -> AsyncIterator[Valkey]:
    valkey = Valkey()
    await valkey.start()
    yield valkey
    await valkey.stop()


@pytest.fixture
async def bench(pool: Pool, valkey: Valkey) -> AsyncIterator[MirrorBench]:
    bench = MirrorBench(pool, valkey.url)
    await bench.prepare()
    yield bench
    await bench.stop()


@pytest.fixture
def log() -> Iterator[LogEar]:
    with heard_log() as ear:
        yield ear


def count(metric: str, result: str) -> float:
    return REGISTRY.get_sample_value(metric, {"result": result}) or 0.0


async def test_a_switch_is_shown_after_its_commit(
    bench: MirrorBench, valkey: Valkey, log: LogEar
) -> None:
    shard = await bench.start()
    sara = await write(shard, "sara")
    await valkey.wait_for({ai_key(sara): ON})
    for destination, shown in [(Destination.SALES, OFF), (Destination.AI, ON)]:
        await redirect(shard, sara, destination)
        await valkey.wait_for({ai_key(sara): shown})
    for on, shown in [(False, OFF), (True, ON)]:
        await switch_ai(shard, sara, on=on)
        await valkey.wait_for({ai_key(sara): shown})
    line = "info: ✓ AI control cache set: conversation="
    assert log.matching(line) == 2 * [
        f"{line}{sara}, ai_enabled=False",
        f"{line}{sara}, ai_enabled=True",
    ]


async def test_predecessor_fault_r1_an_ai_that_was_switched_off_stays_off(
    bench: MirrorBench, valkey: Valkey
) -> None:
    shard = await bench.start(replace(QUICK, compare=timedelta(milliseconds=50)))
    sara = await write(shard, "sara")
    await redirect(shard, sara, Destination.SUPPORT)
    await valkey.wait_for({ai_key(sara): OFF})
    async with valkey.reader() as reader:
        assert await reader.ttl(ai_key(sara)) == -1
        # Not even somebody else's time-out makes it come back on by itself.
        async with reader.pubsub() as changes:
            await changes.subscribe(f"__keyspace@0__:{ai_key(sara)}")
            await reader.expire(ai_key(sara), 86_400)
            lifetime = None
            async with time_limit(lambda: f"lifetime {lifetime}, not -1"):
                while (lifetime := await reader.ttl(ai_key(sara))) != -1:
                    await changes.get_message(timeout=None)
        assert await reader.get(ai_key(sara)) == OFF


async def test_predecessor_fault_r2_no_message_switches_the_ai_back_on(
    bench: MirrorBench, valkey: Valkey
) -> None:
    shard = await bench.start()
    sara = await write(shard, "sara")
    await redirect(shard, sara, Destination.SUPPORT)
    for number in range(3):
        await write(shard, "sara", f"more-{number}")
    last = await write(shard, "the last one to be shown")
    await valkey.wait_for({ai_key(last): ON, ai_key(sara): OFF})


async def test_what_nobody_reads_back_decides_nothing(
    bench: MirrorBench, valkey: Valkey
) -> None:
    shard = await bench.start()
    sara = await write(shard, "sara")
    await redirect(shard, sara, Destination.SUPPORT)
    await valkey.wait_for({ai_key(sara): OFF})
    async with valkey.reader() as reader:
        await reader.set(ai_key(sara), ON)
    await write(shard, "sara", "m2")
    await valkey.wait_for({ai_key(sara): OFF})
    row = await bench.pool.fetchrow("SELECT state, status FROM conversations")
    assert row is not None
    assert row["state"]["ai_enabled"] is False
    assert row["status"] == "support_active"


async def test_a_redis_that_is_down_at_the_start_is_filled_when_it_comes(
    bench: MirrorBench, valkey: Valkey, log: LogEar
) -> None:
    first = await bench.start()
    before = await write(first, "before this runtime")
    await redirect(first, before, Destination.BILLING)
    # On a busy machine a stop may come before the mirror has connected.
    await bench.wait_for_health(bench.mirrors[0], MirrorHealth.RIGHT)
    await first.stop()
    await valkey.stop()
    errors = count("ai_control_cache_total", "error")

    shard = await bench.start()
    meanwhile = await write(shard, "meanwhile")
    await log.wait_for(FAILED)
    await redirect(shard, meanwhile, Destination.SUPPORT)
    assert bench.healths() == [MirrorHealth.RIGHT, MirrorHealth.UNREACHABLE]
    assert count("ai_control_cache_total", "error") > errors
    # The first runtime may have found something to set right as well.
    made_right = len(log.matching(MADE_RIGHT))

    await valkey.start()
    await valkey.wait_for({ai_key(before): OFF, ai_key(meanwhile): OFF})
    await log.wait_for(MADE_RIGHT, made_right + 1)
    assert bench.healths() == [MirrorHealth.RIGHT, MirrorHealth.RIGHT]
    # Once, however often it was tried; and it says where, not with which password.
    (warning,) = log.matching(FAILED)
    assert "127.0.0.1" in warning
    assert not any(PASSWORD in text or QUOTED in text for text in log.texts)


async def test_each_outage_is_warned_of_once(
    bench: MirrorBench, valkey: Valkey, log: LogEar
) -> None:
    shard = await bench.start()
    sara = await write(shard, "sara")
    await valkey.wait_for({ai_key(sara): ON})
    for outage in (1, 2):
        # Redis has it; the mirror must have heard that.
        await bench.settle()
        await valkey.stop()
        await log.wait_for("mirror_unreachable", outage)
        # Also at the start there may have been something to set right.
        made_right = len(log.matching(MADE_RIGHT))
        # Not yet: it has kept nothing from anybody.
        assert len(log.matching(FAILED)) == outage - 1
        destination = (Destination.SUPPORT, Destination.AI)[outage - 1]
        await redirect(shard, sara, destination)
        await redirect(shard, sara, destination)
        assert len(log.matching(FAILED)) == outage
        await valkey.start()
        await valkey.wait_for({ai_key(sara): (OFF, ON)[outage - 1]})
        await log.wait_for(MADE_RIGHT, made_right + 1)
    assert len(log.matching(FAILED)) == 2


async def test_a_redis_that_comes_back_with_an_old_snapshot_is_made_right(
    bench: MirrorBench, valkey: Valkey
) -> None:
    shard = await bench.start()
    sara = await write(shard, "sara")
    await valkey.wait_for({ai_key(sara): ON})
    async with valkey.reader() as reader:
        await reader.save()
    await redirect(shard, sara, Destination.SUPPORT)
    await valkey.wait_for({ai_key(sara): OFF})
    await valkey.stop()
    await valkey.start()
    await valkey.wait_for({ai_key(sara): OFF})


async def test_an_emptied_redis_is_filled_again_though_nothing_happens(
    bench: MirrorBench, valkey: Valkey, log: LogEar
) -> None:
    shard = await bench.start()
    sara = await write(shard, "sara")
    await redirect(shard, sara, Destination.SUPPORT)
    await valkey.wait_for({ai_key(sara): OFF})
    # What is still noted would be written again, and then nothing be found absent.
    await bench.settle()
    misses = count("ai_control_cache_total", "miss")
    async with valkey.reader() as reader:
        await reader.flushall()
    await valkey.wait_for({ai_key(sara): OFF})
    await log.wait_for("mirror_made_right")
    assert count("ai_control_cache_total", "miss") == misses + 1
    assert not log.matching(FAILED)


async def test_single_keys_are_made_right_at_the_next_comparison(
    bench: MirrorBench, valkey: Valkey
) -> None:
    shard = await bench.start(replace(QUICK, compare=timedelta(milliseconds=50)))
    sara, omid = await write(shard, "sara"), await write(shard, "omid")
    await redirect(shard, sara, Destination.SUPPORT)
    await valkey.wait_for({ai_key(sara): OFF, ai_key(omid): ON})
    hits = count("ai_control_cache_total", "hit")
    # At once, or a comparison comes in between.
    async with valkey.reader() as reader, reader.pipeline(transaction=True) as changes:
        changes.delete(ai_key(sara), ai_key(omid))
        changes.lpush(ai_key(omid), "of another type")
        await changes.execute()
    await valkey.wait_for({ai_key(sara): OFF, ai_key(omid): ON})
    await write(shard, "the next comparison finds two hits")
    assert count("ai_control_cache_total", "hit") >= hits


async def test_a_pending_share_is_shown_until_a_question_takes_it(
    bench: MirrorBench, valkey: Valkey
) -> None:
    shard = await bench.start()
    sara = await share(shard, "sara", "کپشن: تخفیف")
    key = f"pending_share_{sara}"
    shown = await bench.pool.fetchval(
        "SELECT (state->'pending_share')::text FROM conversations"
    )
    assert "کپشن: تخفیف" in shown
    await valkey.wait_for({key: shown, ai_key(sara): ON})
    async with valkey.reader() as reader:
        assert await reader.ttl(key) == -1
    await write(shard, "sara", "question", Source.INSTAGRAM)
    await valkey.wait_for({key: None, ai_key(sara): ON})


async def test_a_share_that_was_taken_while_redis_was_away_is_not_left_in_it(
    bench: MirrorBench, valkey: Valkey, log: LogEar
) -> None:
    shard = await bench.start()
    sara = await share(shard, "sara", "کپشن: تخفیف")
    await valkey.wait_for({ai_key(sara): ON})
    async with valkey.reader() as reader:
        assert await reader.exists(f"pending_share_{sara}")
        await reader.save()
    await valkey.stop()
    await write(shard, "sara", "question", Source.INSTAGRAM)
    await log.wait_for(FAILED)
    await valkey.start()
    await valkey.wait_for({f"pending_share_{sara}": None})


async def test_a_redis_that_hangs_delays_no_commit(
    bench: MirrorBench, valkey: Valkey, log: LogEar
) -> None:
    # Longer than the test may take: whoever waited for Redis would be found out.
    shard = await bench.start(replace(QUICK, timeout=timedelta(minutes=5)))
    sara = await write(shard, "sara")
    await valkey.wait_for({ai_key(sara): ON})
    valkey.freeze()
    for number in range(20):
        await write(shard, "sara", f"during-{number}")
    await redirect(shard, sara, Destination.SUPPORT)
    assert await bench.pool.fetchval("SELECT status FROM conversations") != "active"
    valkey.thaw()
    await valkey.wait_for({ai_key(sara): OFF})
    assert not log.matching(FAILED)


async def test_a_redis_that_hung_is_right_when_it_goes_on(
    bench: MirrorBench, valkey: Valkey, log: LogEar
) -> None:
    shard = await bench.start(replace(QUICK, timeout=timedelta(seconds=3)))
    sara = await write(shard, "sara")
    await valkey.wait_for({ai_key(sara): ON})
    valkey.freeze()
    # Sent, but not read by the server until later things were sent too.
    await redirect(shard, sara, Destination.SUPPORT)
    await log.wait_for(FAILED)
    await redirect(shard, sara, Destination.AI)
    await redirect(shard, sara, Destination.SALES)
    made_right = len(log.matching(MADE_RIGHT))
    valkey.thaw()
    await log.wait_for(MADE_RIGHT, made_right + 1)
    await valkey.wait_for({ai_key(sara): OFF})
    assert len(log.matching(FAILED)) == 1


async def test_a_shard_that_lost_its_place_writes_nothing_more(
    bench: MirrorBench, valkey: Valkey, log: LogEar
) -> None:
    old = await bench.start()
    sara = await write(old, "sara")
    await valkey.wait_for({ai_key(sara): ON})
    new = await bench.start()
    await log.wait_for("mirror_fenced")
    assert bench.healths()[0] is MirrorHealth.OFF
    await redirect(new, sara, Destination.SUPPORT)
    await valkey.wait_for({ai_key(sara): OFF})


@pytest.mark.parametrize("seen", ["900", "1"])
async def test_versions_that_another_database_left_behind_block_nothing(
    bench: MirrorBench, valkey: Valkey, seen: str
) -> None:
    # A backup was restored: Redis has seen later events of this conversation.
    sara = derive_conversation_id(CHANNEL, "sara")
    async with valkey.reader() as reader:
        await reader.hset(VERSIONS_KEY, mapping={"shard-0": "900", str(sara): seen})
        await reader.set(ai_key(sara), OFF)
        shard = await bench.start()
        await write(shard, "sara")
        await valkey.wait_for({ai_key(sara): ON})
        assert await reader.hget(VERSIONS_KEY, str(sara)) == "1"
    await redirect(shard, sara, Destination.SUPPORT)
    await valkey.wait_for({ai_key(sara): OFF})


async def test_a_version_that_no_commit_made_blocks_no_later_change(
    bench: MirrorBench, valkey: Valkey
) -> None:
    shard = await bench.start()
    sara = await write(shard, "sara")
    await valkey.wait_for({ai_key(sara): ON})
    async with valkey.reader() as reader:
        await reader.hset(VERSIONS_KEY, str(sara), "1000")
    await redirect(shard, sara, Destination.SUPPORT)
    await valkey.wait_for({ai_key(sara): OFF})


async def test_another_number_of_shards_shows_all_conversations(
    bench: MirrorBench, valkey: Valkey
) -> None:
    alone = await bench.start()
    names = [f"customer {number}" for number in range(8)]
    everyone = [await write(alone, name) for name in names]
    await valkey.wait_for(dict.fromkeys(map(ai_key, everyone), ON))
    await alone.stop()
    async with valkey.reader() as reader:
        await reader.flushall()
    for shard in range(2):
        await bench.start(shard=shard, of=2)
    await valkey.wait_for(dict.fromkeys(map(ai_key, everyone), ON))


async def test_more_changes_than_are_remembered_are_found_by_comparing(
    bench: MirrorBench, valkey: Valkey
) -> None:
    # It is told nothing of its shard's commits, only of what there is not.
    mirror = RedisMirror(bench.pool, bench.url, QUICK)
    shard = await bench.start()
    sara = await write(shard, "sara")
    await redirect(shard, sara, Destination.SUPPORT)
    await shard.stop()
    epoch = await PostgresJournal(bench.pool).raise_epoch(0)
    async with valkey.reader() as reader:
        mirror.start(epoch, 1)
        await bench.wait_for_health(mirror, MirrorHealth.RIGHT)
        assert await reader.get(ai_key(sara)) == OFF
        await reader.set(ai_key(sara), ON)
    text = await bench.pool.fetchval("SELECT state::text FROM conversations")
    state = decode_state(text)
    mirror.note(
        replace(state, id=ConversationId(uuid4())) for _ in range(MAX_NOTED + 1)
    )
    await valkey.wait_for({ai_key(sara): OFF})
    await mirror.stop()


async def test_a_stop_writes_what_was_noted_last(
    bench: MirrorBench, valkey: Valkey
) -> None:
    # So slow that nothing would be written by itself.
    slow = replace(QUICK, gather=timedelta(hours=1), check=timedelta(hours=1))
    shard = await bench.start(slow)
    await bench.wait_for_health(bench.mirrors[0], MirrorHealth.RIGHT)
    await write(shard, "sara")
    await redirect(shard, derive_conversation_id(CHANNEL, "sara"), Destination.SUPPORT)
    await shard.stop()
    async with valkey.reader() as reader:
        key = ai_key(derive_conversation_id(CHANNEL, "sara"))
        assert await reader.get(key) == OFF


async def test_a_stop_does_not_wait_for_a_redis_that_hangs(
    bench: MirrorBench, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.conversation.shard.mirror.STOP_TIMEOUT_S", 0.5)
    shard = await bench.start(replace(QUICK, timeout=timedelta(minutes=5)))
    sara = await write(shard, "sara")
    await valkey.wait_for({ai_key(sara): ON})
    valkey.freeze()
    async with asyncio.timeout(30):
        await shard.stop()
