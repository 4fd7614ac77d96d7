"""Conversations on a real PostgreSQL keep the variant that they began with."""

import asyncio
from datetime import timedelta

import pytest

from deployments.answers.retriever import Variant, decide_variant
from deployments.flags import FeatureFlags
from persistence.database import Pool
from tests.support.clock import FakeClock
from tests.support.knowledge import Counter, open_counter

OLD, NEW = Variant.CONTEXT_RETRIEVER, Variant.PRODUCTION_RAG
PERCENTAGE = "production_rag_rollout_percentage"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def flags(pool: Pool, clock: FakeClock) -> FeatureFlags:
    flags = FeatureFlags(pool, clock)
    await flags.refresh()
    return flags


async def decide(pool: Pool, flags: FeatureFlags, shop: Counter) -> Variant:
    return await decide_variant(pool, flags, shop.tenant_id, shop.conversation_id)


async def test_a_conversation_keeps_its_variant_while_the_percentage_moves(
    pool: Pool, flags: FeatureFlags
) -> None:
    before = await open_counter(pool)
    assert await decide(pool, flags, before) is OLD
    await flags.set_flag(PERCENTAGE, 100)
    after = await open_counter(pool, "other", beside=before)
    assert await decide(pool, flags, before) is OLD
    assert await decide(pool, flags, after) is NEW
    await flags.set_flag(PERCENTAGE, 0)
    assert await decide(pool, flags, before) is OLD
    assert await decide(pool, flags, after) is NEW
    # Outside a conversation there is nothing to keep to.
    assert await decide_variant(pool, flags, after.tenant_id) is OLD


async def test_predecessor_faults_f3_the_kill_switch_stops_what_has_begun(
    pool: Pool, flags: FeatureFlags
) -> None:
    await flags.set_flag(PERCENTAGE, 100)
    shop = await open_counter(pool)
    assert await decide(pool, flags, shop) is NEW
    await flags.set_flag("production_rag", value=False)
    assert await decide(pool, flags, shop) is OLD
    await flags.clear("production_rag")
    assert await decide(pool, flags, shop) is NEW


async def test_what_the_switch_gave_ends_with_the_switch(
    pool: Pool, flags: FeatureFlags, clock: FakeClock
) -> None:
    shop = await open_counter(pool)
    await flags.set_flag("production_rag", value=True, ttl=timedelta(hours=1))
    assert await decide(pool, flags, shop) is NEW
    clock.advance(timedelta(hours=1))
    assert await decide(pool, flags, shop) is OLD


async def test_answers_that_begin_a_conversation_at_once_agree(
    pool: Pool, flags: FeatureFlags, clock: FakeClock
) -> None:
    shop = await open_counter(pool)
    # Of two replicas, one has heard of the change already.
    late = FeatureFlags(pool, clock)
    await late.refresh()
    await flags.set_flag(PERCENTAGE, 100)
    decisions = [decide(pool, one, shop) for one in (flags, late) * 4]
    assert len(set(await asyncio.gather(*decisions))) == 1


async def test_a_tenant_can_not_begin_anothers_conversation(
    pool: Pool, flags: FeatureFlags
) -> None:
    mine = await open_counter(pool)
    theirs = await open_counter(pool, "theirs", beside=mine)
    await flags.set_flag(PERCENTAGE, 100)
    await decide_variant(pool, flags, mine.tenant_id, theirs.conversation_id)
    await flags.set_flag(PERCENTAGE, 0)
    assert await decide(pool, flags, theirs) is OLD
