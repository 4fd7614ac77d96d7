"""Who Instagram's customers are, asked of a real HTTP server that plays Graph."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest

from actors.clock import SystemClock
from actors.conversation.ports import (
    AnswerJob,
    CustomerRef,
    ProfileUnavailable,
    WrittenAnswer,
)
from actors.conversation.rules.policy import Policy
from actors.conversation.state import Profile, Source
from config.settings import Settings
from deployments.integrations.instagram.building import build_event
from deployments.integrations.instagram.incoming import WebhookEvent
from deployments.integrations.profiles import QUIET, REMEMBERED, ChannelProfiles
from persistence.channels import Channel, ChannelKind
from persistence.database import Pool
from tests.support.api import LocalShards
from tests.support.servers.graph_server import (
    Fail,
    GraphProfile,
    GraphServer,
    Hang,
    HangUp,
)
from tests.support.waiting import wait_for_count
from tests.support.website import CIPHER, add_shop

TOKEN = "IGAA-a-token"
SARA = "900100200300"


@dataclass
class Seconds:
    """A clock that is moved by hand."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def graph() -> Iterator[GraphServer]:
    with GraphServer() as graph:
        yield graph


@pytest.fixture
async def channel(pool: Pool) -> Channel:
    return await add_shop(pool, ChannelKind.INSTAGRAM, "4711", token=TOKEN)


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
async def profiles(
    pool: Pool, graph: GraphServer, seconds: Seconds
) -> AsyncIterator[ChannelProfiles]:
    profiles = ChannelProfiles(
        pool,
        CIPHER,
        Settings(instagram_graph_url=graph.url),
        timeout=httpx.Timeout(60.0),
        clock=seconds,
    )
    yield profiles
    await profiles.stop()


def unnamed(channel: Channel, customer: str = SARA) -> CustomerRef:
    return CustomerRef(channel.tenant_id, channel.id, Source.INSTAGRAM, customer)


async def test_a_customer_is_asked_for_by_id_with_the_channels_token(
    profiles: ChannelProfiles, graph: GraphServer, channel: Channel
) -> None:
    graph.profiles[SARA] = GraphProfile("سارا احمدی", "sara_88")
    found = await profiles.look_up(unnamed(channel))
    assert found == Profile("سارا", "احمدی", "sara_88")
    (asked,) = graph.inquiries
    path, _, query = asked.path.partition("?")
    assert path == f"/v24.0/{SARA}"
    # Pictures are never asked for, and the token stands in no address.
    assert query == "fields=name%2Cusername"
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("told", "found"),
    [
        (GraphProfile("Sara", None), Profile("Sara", "", "")),
        (GraphProfile(None, "sara_88"), Profile("", "", "sara_88")),
        (GraphProfile("  Sara  van  Dijk ", "s"), Profile("Sara", "van  Dijk", "s")),
        (GraphProfile("ا" * 300, "s"), Profile("ا" * 100, "", "s")),
    ],
)
async def test_what_is_told_is_split_and_cut(
    profiles: ChannelProfiles,
    graph: GraphServer,
    channel: Channel,
    told: GraphProfile,
    found: Profile,
) -> None:
    graph.profiles[SARA] = told
    assert await profiles.look_up(unnamed(channel)) == found


async def test_who_set_no_name_and_who_gave_no_consent_has_none(
    profiles: ChannelProfiles, graph: GraphServer, channel: Channel
) -> None:
    graph.profiles[SARA] = GraphProfile()
    for customer in (SARA, "1"):
        found = await profiles.look_up(unnamed(channel, customer))
        assert isinstance(found, ProfileUnavailable)
        assert (found.is_temporary, found.is_held) == (False, False)


async def test_a_platform_that_hangs_is_left(
    pool: Pool, graph: GraphServer, channel: Channel
) -> None:
    settings = Settings(instagram_graph_url=graph.url)
    # Too short a time for any answer is as good as none.
    timeout = httpx.Timeout(60.0, read=0.3)
    hasty = ChannelProfiles(pool, CIPHER, settings, timeout=timeout)
    graph.refuse_to_tell(Hang())
    found = await hasty.look_up(unnamed(channel))
    assert isinstance(found, ProfileUnavailable)
    assert found.is_temporary
    await hasty.stop()


@pytest.mark.parametrize("reply", [Fail(500), Fail(503), HangUp()])
async def test_a_platform_that_stumbles_is_asked_again(
    profiles: ChannelProfiles,
    graph: GraphServer,
    channel: Channel,
    reply: Fail | HangUp,
) -> None:
    graph.profiles[SARA] = GraphProfile("Sara")
    graph.refuse_to_tell(reply)
    found = await profiles.look_up(unnamed(channel))
    assert isinstance(found, ProfileUnavailable)
    assert found.is_temporary
    assert await profiles.look_up(unnamed(channel)) == Profile("Sara")


@pytest.mark.parametrize(
    "reply",
    [
        Fail(429),
        Fail(401),
        Fail(400, '{"error": {"message": "limit", "code": 613}}'),
        Fail(400, '{"error": {"message": "expired", "code": 190}}'),
    ],
)
async def test_an_account_that_is_refused_leaves_all_customers_alone_for_a_while(
    profiles: ChannelProfiles,
    graph: GraphServer,
    channel: Channel,
    seconds: Seconds,
    reply: Fail,
) -> None:
    graph.profiles[SARA] = GraphProfile("Sara")
    graph.refuse_to_tell(reply)
    for customer in (SARA, SARA, "2"):
        found = await profiles.look_up(unnamed(channel, customer))
        assert isinstance(found, ProfileUnavailable)
        assert found.is_held
    assert len(graph.inquiries) == 1
    seconds.now = QUIET.total_seconds()
    assert await profiles.look_up(unnamed(channel)) == Profile("Sara")


async def test_through_a_paused_channel_nothing_is_asked(
    profiles: ChannelProfiles,
    graph: GraphServer,
    channel: Channel,
    pool: Pool,
    seconds: Seconds,
) -> None:
    graph.profiles[SARA] = GraphProfile("Sara")
    await pool.execute("UPDATE channels SET is_paused = true")
    found = await profiles.look_up(unnamed(channel))
    assert found == ProfileUnavailable("the channel is paused", is_held=True)
    assert graph.inquiries == []
    await pool.execute("UPDATE channels SET is_paused = false")
    seconds.now = REMEMBERED.total_seconds()
    assert await profiles.look_up(unnamed(channel)) == Profile("Sara")


async def test_what_is_no_number_never_gets_into_an_address(
    profiles: ChannelProfiles, graph: GraphServer, channel: Channel
) -> None:
    found = await profiles.look_up(unnamed(channel, "../me/accounts"))
    assert isinstance(found, ProfileUnavailable)
    assert graph.inquiries == []


NAMED = "SELECT count(*) FROM customers WHERE username = 'sara_88'"
AI_MESSAGES = "SELECT count(*) FROM messages WHERE type = 'AI'"


class Writer:
    """Answers everything at once."""

    async def write(self, _job: AnswerJob) -> WrittenAnswer:
        return WrittenAnswer("صد تومن")


@pytest.fixture
async def shards(pool: Pool, profiles: ChannelProfiles) -> AsyncIterator[LocalShards]:
    policy = Policy(reply_debounce=timedelta(milliseconds=20))
    shards = LocalShards(pool, Writer(), None, policy, profiles)
    await shards.shard.start()
    yield shards
    await shards.shard.stop()


async def deliver(shards: LocalShards, channel: Channel, mid: str = "m1") -> None:
    """Let Sara's message be taken as from a webhook."""
    incoming = WebhookEvent(("4711",), SARA, mid, "قیمت؟")
    await shards.submit(build_event(channel, incoming, SystemClock().now()))


async def test_predecessor_fault_r7_an_answer_does_not_wait_for_a_name(
    shards: LocalShards, graph: GraphServer, channel: Channel, pool: Pool
) -> None:
    graph.profiles[SARA] = GraphProfile("سارا احمدی", "sara_88")
    graph.refuse_to_tell(Hang())
    await deliver(shards, channel)
    await wait_for_count(pool, AI_MESSAGES, 1)
    assert await pool.fetchval(NAMED) == 0
    # It was asked for all the same. A stop that cuts a connection off as it is made
    # leaves half a socket, of which another test would be told.
    await asyncio.to_thread(graph.wait_for_inquiries, 1)


async def test_a_name_comes_to_the_customers_card_once(
    shards: LocalShards, graph: GraphServer, channel: Channel, pool: Pool
) -> None:
    graph.profiles[SARA] = GraphProfile("سارا احمدی", "sara_88")
    await deliver(shards, channel)
    await wait_for_count(pool, NAMED, 1)
    row = await pool.fetchrow("SELECT first_name, last_name FROM customers")
    assert row is not None
    assert tuple(row) == ("سارا", "احمدی")
    await wait_for_count(pool, AI_MESSAGES, 1)
    await deliver(shards, channel, "m2")
    await wait_for_count(pool, AI_MESSAGES, 2)
    assert len(graph.inquiries) == 1


async def test_a_name_that_an_operator_wrote_stays(
    shards: LocalShards, graph: GraphServer, channel: Channel, pool: Pool
) -> None:
    graph.profiles[SARA] = GraphProfile("فروشگاه گل", "sara_88")
    await deliver(shards, channel)
    await pool.execute("UPDATE customers SET first_name = 'خانم', last_name = 'احمدی'")
    await wait_for_count(pool, NAMED, 1)
    row = await pool.fetchrow("SELECT first_name, last_name FROM customers")
    assert row is not None
    assert tuple(row) == ("خانم", "احمدی")


async def test_who_is_not_told_of_is_not_asked_for_with_every_message(
    shards: LocalShards, graph: GraphServer, channel: Channel, pool: Pool
) -> None:
    misses = "SELECT count(*) FROM conversation_events WHERE kind = 'ProfileMissed'"
    for number in range(3):
        await deliver(shards, channel, f"m{number}")
        await wait_for_count(pool, AI_MESSAGES, number + 1)
    await wait_for_count(pool, misses, 1)
    assert len(graph.inquiries) == 1
