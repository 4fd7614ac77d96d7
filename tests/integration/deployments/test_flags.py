"""Flags on a real PostgreSQL: in every replica at once, kept, and never by accident."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from actors.clock import Clock
from config.flags import (
    FLAGS,
    FlagsUnreadError,
    FlagValue,
    InvalidFlagValueError,
    UnknownFlagError,
)
from deployments.answers.retriever import read_options
from deployments.commands.demo.account import switch_on
from deployments.flags import MAX_TTL, FeatureFlags
from persistence.database import Pool, open_pool
from persistence.flags import (
    FLAGS_CHANNEL,
    FlagChange,
    fetch_flag_changes_page,
    fetch_flags,
)
from persistence.listener import Listener
from persistence.tenants import create_tenant
from persistence.users import User, create_user
from retrieval.index.knowledge import FusionOrder
from retrieval.production_rag import RagOptions
from tests.support.clock import NOON, FakeClock
from tests.support.waiting import check_promise, time_limit

HOUR = timedelta(hours=1)
#: Bucket 36 of production_rag.
TENANT = UUID("11111111-1111-1111-1111-111111111111")


class ReplicaFlags(FeatureFlags):
    """Says when it has read."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        super().__init__(pool, clock)
        self.has_read = asyncio.Event()

    async def refresh(self) -> None:
        """Read, and say so."""
        await super().refresh()
        self.has_read.set()

    async def wait_for(self, name: str, value: FlagValue) -> None:
        """Wait until a flag has the value."""
        async with time_limit(lambda: f"{name} is {self.get_value(name)}, not {value}"):
            while self.get_value(name) != value:
                self.has_read.clear()
                await self.has_read.wait()


@asynccontextmanager
async def replica(dsn: str, clock: Clock) -> AsyncIterator[ReplicaFlags]:
    """Run the flags as a replica does, with connections of its own."""
    pool = await open_pool(dsn, max_size=2)
    flags, listener = ReplicaFlags(pool, clock), Listener(dsn)
    listener.on(FLAGS_CHANNEL, flags.notify)
    await listener.start()
    await flags.start()
    try:
        yield flags
    finally:
        await flags.stop()
        await listener.stop()
        await pool.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def flags(dsn: str, clock: FakeClock) -> AsyncIterator[ReplicaFlags]:
    async with replica(dsn, clock) as flags:
        yield flags


@pytest.fixture
async def root(pool: Pool) -> User:
    tenant = await create_tenant(pool, "office")
    return await create_user(pool, tenant.id, "root", "none", is_superuser=True)


async def fetch_history(pool: Pool, name: str) -> list[FlagChange]:
    count, changes = await fetch_flag_changes_page(pool, name, 100, 0)
    assert count == len(changes)
    return [*changes]


async def cut_connections(pool: Pool) -> None:
    await pool.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


async def test_a_change_is_in_every_replica_within_a_second(
    dsn: str, clock: FakeClock, flags: ReplicaFlags
) -> None:
    took: list[float] = []
    async with replica(dsn, clock) as second, replica(dsn, clock) as third:
        for _ in range(3):
            began = time.perf_counter()
            await flags.set_flag("dense_top_k", 30)
            assert flags.get_value("dense_top_k") == 30
            await second.wait_for("dense_top_k", 30)
            await third.wait_for("dense_top_k", 30)
            took.append(time.perf_counter() - began)
            await second.clear("dense_top_k")
            await flags.wait_for("dense_top_k", 20)
            await third.wait_for("dense_top_k", 20)
    check_promise(took, timedelta(seconds=1))


async def test_a_change_that_was_made_while_nobody_listened_is_read_on_return(
    pool: Pool, clock: FakeClock, flags: ReplicaFlags
) -> None:
    writer = FeatureFlags(pool, clock)
    await cut_connections(pool)
    await writer.set_flag("dense_top_k", 30)
    await flags.wait_for("dense_top_k", 30)


async def test_all_flags_are_listed_with_what_they_are(
    flags: ReplicaFlags, clock: FakeClock
) -> None:
    await flags.set_flag("production_rag_rollout_percentage", 10, HOUR)
    listed = flags.get_all_flags()
    assert listed.keys() == FLAGS.keys()
    assert listed["production_rag_rollout_percentage"] == {
        "enabled": True,
        "value": 10,
        "default": 0,
        "expires_at": NOON + HOUR,
    }
    assert listed["production_rag"] == {
        "enabled": False,
        "value": False,
        "default": False,
        "expires_at": None,
    }
    clock.advance(HOUR)
    assert listed["dense_top_k"] == flags.get_all_flags()["dense_top_k"]
    assert not flags.get_all_flags()["production_rag_rollout_percentage"]["enabled"]


async def test_a_ttl_ends_in_every_replica_at_its_moment(
    dsn: str, clock: FakeClock, flags: ReplicaFlags
) -> None:
    async with replica(dsn, clock) as second:
        await flags.set_flag("rerank_model", "large", HOUR)
        await second.wait_for("rerank_model", "large")
        clock.advance(HOUR - timedelta(microseconds=1))
        assert second.get_value("rerank_model") == "large"
        clock.advance(timedelta(microseconds=1))
        assert flags.get_value("rerank_model") == "base"
        assert second.get_value("rerank_model") == "base"
        assert second.get_explicit("rerank_model") is None


async def test_predecessor_faults_f2_a_value_without_a_ttl_outlives_a_restart(
    dsn: str, clock: FakeClock, flags: ReplicaFlags
) -> None:
    await flags.set_flag("rerank_model", "large", HOUR)
    await flags.set_flag("rerank_model", "large")
    clock.advance(timedelta(days=365))
    async with replica(dsn, clock) as restarted:
        assert restarted.get_value("rerank_model") == "large"


async def test_every_change_is_kept_with_who_when_old_and_new(
    pool: Pool, clock: FakeClock, flags: ReplicaFlags, root: User
) -> None:
    await flags.set_flag("dense_top_k", 30, by=root.id)
    clock.advance(HOUR)
    await flags.set_flag("dense_top_k", 40, HOUR, by=root.id)
    clock.advance(HOUR)
    await flags.set_flag("dense_top_k", 50)
    await flags.clear("dense_top_k", by=root.id)
    await flags.clear("dense_top_k", by=root.id)

    history = await fetch_history(pool, "dense_top_k")

    assert [(one.author, one.at, one.old, one.new) for one in history] == [
        ("root", NOON + 2 * HOUR, 50, None),
        # What had run out by then was not what counted.
        ("pilito", NOON + 2 * HOUR, None, 50),
        ("root", NOON + HOUR, 30, 40),
        ("root", NOON, None, 30),
    ]
    assert [one.expires_at for one in history] == [None, None, NOON + 2 * HOUR, None]
    assert await fetch_history(pool, "sparse_top_k") == []


async def test_changes_at_once_make_one_chain_of_old_and_new(
    pool: Pool, clock: FakeClock
) -> None:
    writer = FeatureFlags(pool, clock)
    await asyncio.gather(*(writer.set_flag("dense_top_k", 1 + n) for n in range(8)))
    history = await fetch_history(pool, "dense_top_k")
    assert [one.old for one in history[:-1]] == [one.new for one in history[1:]]
    assert history[-1].old is None
    assert writer.get_value("dense_top_k") == history[0].new


async def test_what_can_not_be_is_refused_and_changes_nothing(
    pool: Pool, flags: ReplicaFlags
) -> None:
    with pytest.raises(UnknownFlagError):
        await flags.set_flag("use_production_rag", value=True)
    with pytest.raises(UnknownFlagError):
        await flags.clear("use_production_rag")
    with pytest.raises(UnknownFlagError):
        flags.is_enabled("use_production_rag")
    with pytest.raises(InvalidFlagValueError, match=r"^value: "):
        await flags.set_flag("production_rag", 1)
    for ttl in (timedelta(0), -HOUR, MAX_TTL + HOUR):
        with pytest.raises(InvalidFlagValueError, match=r"^ttl: "):
            await flags.set_flag("production_rag", value=True, ttl=ttl)
    assert await fetch_flags(pool) == {}
    assert await fetch_history(pool, "production_rag") == []


async def test_flags_that_were_never_read_have_no_value(
    pool: Pool, clock: FakeClock
) -> None:
    with pytest.raises(FlagsUnreadError):
        FeatureFlags(pool, clock).is_enabled("production_rag")


async def test_predecessor_faults_f2_the_last_values_count_while_the_database_is_away(
    dsn: str, clock: FakeClock
) -> None:
    pool = await open_pool(dsn)
    flags = ReplicaFlags(pool, clock)
    await flags.start()
    await flags.set_flag("production_rag", value=True)
    await pool.close()
    flags.notify("production_rag")
    with pytest.raises(asyncpg.InterfaceError):
        await flags.refresh()
    assert flags.is_enabled("production_rag")
    await flags.stop()


async def test_what_another_release_had_stored_is_ignored_and_can_be_replaced(
    pool: Pool, flags: ReplicaFlags
) -> None:
    await pool.execute(
        "INSERT INTO flags (name, value, updated_at) VALUES "
        "('dense_top_k', '\"many\"', now()), ('gone', 'true', now())"
    )
    await flags.refresh()
    assert flags.get_value("dense_top_k") == 20
    assert "gone" not in flags.get_all_flags()
    await flags.set_flag("dense_top_k", 30)
    assert flags.get_value("dense_top_k") == 30


async def test_a_user_stands_for_their_tenant(flags: ReplicaFlags, root: User) -> None:
    await flags.set_flag("production_rag_rollout_percentage", 37)
    assert flags.is_enabled("production_rag", TENANT)
    assert not flags.is_enabled("production_rag")
    assert flags.is_enabled("production_rag", root) == flags.is_enabled(
        "production_rag", root.tenant_id
    )


async def test_predecessor_faults_g3_the_retrievals_options_are_the_flags(
    flags: ReplicaFlags,
) -> None:
    assert read_options(flags) == RagOptions()
    await flags.set_flag("dense_top_k", 40)
    await flags.set_flag("sparse_top_k", 30)
    await flags.set_flag("rerank_top_k", 5)
    await flags.set_flag("cross_encoder_reranking", value=False)
    await flags.set_flag("rerank_model", "large")
    await flags.set_flag("production_rag_debug", value=True)
    await flags.set_flag("fusion", "rrf")
    assert read_options(flags, 0.7) == RagOptions(
        40, 30, 5, False, "large", True, dense_weight=0.7, fusion=FusionOrder.RRF
    )


async def test_the_demo_is_switched_on_once_and_not_against_its_owner(
    pool: Pool, clock: FakeClock, flags: ReplicaFlags
) -> None:
    async def start_demo() -> None:
        async with pool.acquire() as connection, connection.transaction():
            await switch_on(connection, clock)

    await start_demo()
    await flags.wait_for("production_rag", value=True)
    await start_demo()
    assert len(await fetch_history(pool, "production_rag")) == 1
    await flags.set_flag("production_rag", value=False)
    await start_demo()
    await flags.refresh()
    assert not flags.is_enabled("production_rag", TENANT)
