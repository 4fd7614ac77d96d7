"""M7: a channel has so many answers a minute; beyond it nothing is lost."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from actors.clock import SystemClock
from actors.conversation.errors import AnswerFailedError
from actors.conversation.rules.policy import Policy
from deployments.answers.budget import AnswerBudget
from deployments.answers.responder import AnswerWriter
from deployments.rate_limit import RateLimiter
from persistence.channels import Channel, ChannelKind
from persistence.conversations import Reader, fetch_conversation
from persistence.database import Pool
from persistence.ids import ChannelId, derive_conversation_id
from persistence.messages import fetch_latest_messages
from persistence.users import User
from tests.support.api import (
    Api,
    EmptyRetriever,
    LocalShards,
    connect,
    write_as_customer,
)
from tests.support.waiting import time_limit
from tests.support.website import add_shop

AT_ONCE = Policy(reply_debounce=timedelta(0))
CHANNELS: Sequence[str] = ("flooded", "quiet")


def build_budget(per_minute: int) -> AnswerBudget:
    clock = SystemClock()
    return AnswerBudget(RateLimiter(clock), clock, per_minute)


async def test_trust_m7_a_flooded_channel_spends_its_own_answers_only(
    pool: Pool,
) -> None:
    budget = build_budget(2)
    flooded, quiet = [
        ChannelId((await add_shop(pool, ChannelKind.WEBSITE, key)).id)
        for key in CHANNELS
    ]
    for _ in range(2):
        await budget.spend(flooded)
    with pytest.raises(AnswerFailedError, match="answers of this minute"):
        await budget.spend(flooded)
    await budget.spend(quiet)


async def test_trust_m7_beyond_the_limit_messages_wait_for_an_operator(
    pool: Pool,
) -> None:
    writer = AnswerWriter(pool, EmptyRetriever(), None, budget=build_budget(1))
    shards = LocalShards(pool, writer, policy=AT_ONCE)
    await shards.shard.start()
    try:
        shop = await add_shop(pool, ChannelKind.WEBSITE, "flooded")
        api = Api(pool, shards)
        await ask(api, shop, "visitor-1")
        await wait_for(pool, shop, "visitor-1", "completed")
        await ask(api, shop, "visitor-2")
        await wait_for(pool, shop, "visitor-2", "failed")
        second = derive_conversation_id(shop.id, "visitor-2")
        (stored,) = await fetch_latest_messages(pool, second, 10)
        assert stored.content == "سلام"
        assert "PILITO_ANSWERS_PER_MINUTE" in str(stored.metadata)
        shown = await fetch_conversation(pool, Reader(shop.tenant_id), second)
        # A person is called, and the AI answers again later.
        assert shown is not None
        assert (shown.needs_operator, shown.ai_enabled) == (True, True)
    finally:
        await shards.shard.stop()


async def ask(api: Api, shop: Channel, visitor: str) -> None:
    await write_as_customer(api, shop, visitor, "سلام")


async def wait_for(pool: Pool, shop: Channel, visitor: str, status: str) -> None:
    conversation_id = derive_conversation_id(shop.id, visitor)
    found: object = None
    async with time_limit(lambda: found):
        while found != status:
            found = await pool.fetchval(
                "SELECT processing_status FROM messages"
                " WHERE conversation_id = $1 AND type = 'customer'",
                conversation_id,
            )


async def test_trust_m7_a_tenant_multiplies_no_answers_by_channels(
    api: Api, alice: User, bob: User
) -> None:
    api.max_channels = 2
    app = api.build()
    async with connect(app, alice) as client, connect(app, bob) as other:
        body = {"kind": "website", "name": "shop"}
        made = [await client.post("/api/channels/", json=body) for _ in range(3)]
        assert [answer.status_code for answer in made] == [201, 201, 409]
        assert "2 channels" in made[-1].json()["detail"]
        assert (await other.post("/api/channels/", json=body)).status_code == 201
