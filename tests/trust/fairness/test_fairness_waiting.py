"""What waits in one conversation is bounded, and one commit stops no others."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from actors.clock import SystemClock
from actors.conversation.effects import MarkMessages
from actors.conversation.errors import InvalidEventError, ShardUnavailableError
from actors.conversation.events import OperatorAnswered, ReplyWritten
from actors.conversation.ports import CustomerRef
from actors.conversation.reasons import FailureReason
from actors.conversation.rules.send_limits import MAX_WAITING_PARTS, has_room
from actors.conversation.shard.isolation import MAX_TIMEOUTS
from actors.conversation.shard.profile_lookups import ProfileLookups
from actors.conversation.state import Processing, Profile, Status, check_invariants
from persistence.channels import Channel, ChannelKind
from persistence.database import Pool
from persistence.errors import CommitTimedOutError
from persistence.ids import ConversationId, EventId, TenantId, UserId
from persistence.journal import Batch, Epoch, PostgresJournal
from persistence.users import User
from tests.support.api import Api, LocalShards, add_channel, write_as_customer
from tests.support.conversation.conversations import Story
from tests.support.waiting import time_limit
from tests.trust.fairness.test_fairness_answers import ask

LARGEST = "SELECT max(octet_length(state::text)) FROM conversations"
STATE = "SELECT octet_length(state::text) FROM conversations WHERE id = $1"


class HoldingPlatform:
    """Takes nothing, as a paused channel does."""

    async def send(self, part: object) -> str:
        """Hold the part for ever."""
        del part
        await asyncio.Event().wait()
        return ""


@pytest.fixture
async def api(pool: Pool) -> AsyncIterator[Api]:
    """An application whose platform takes nothing."""
    shards = LocalShards(pool, sender=HoldingPlatform())
    await shards.shard.start()
    yield Api(pool, shards)
    await shards.shard.stop()


async def test_trust_m6_a_paused_channel_gathers_no_state_without_end(
    api: Api, app: FastAPI, client: httpx.AsyncClient, alice: User
) -> None:
    channel = await add_channel(app, alice.tenant_id, ChannelKind.TELEGRAM)
    conversation = await write_as_customer(api, channel, "sara", "hello")
    address = f"/api/conversations/{conversation}/messages/"
    short = {"content": "one moment please"}
    answers = [
        await client.post(address, json=short) for _ in range(MAX_WAITING_PARTS + 20)
    ]
    statuses = [answer.status_code for answer in answers]
    assert statuses == [201] * MAX_WAITING_PARTS + [409] * 20
    detail = answers[-1].json()["detail"]
    assert detail.startswith("too much is waiting: 200 parts")
    # Fewer, but long ones.
    other = await write_as_customer(api, channel, "ali", "hello", "m2")
    address = f"/api/conversations/{other}/messages/"
    letters = {"content": "سلام و درود " * 800}
    statuses = [
        (await client.post(address, json=letters)).status_code for _ in range(40)
    ]
    assert statuses.count(409) > 20
    for its_id in (conversation, other):
        assert await api.pool.fetchval(STATE, its_id) < 512 * 1024


def test_trust_m6_an_answer_of_the_ai_that_finds_no_room_calls_a_person() -> None:
    story = Story()
    story.customer_writes("how much is it?", 0)
    story.reply_timer_fires(2)
    assert story.now.reply is not None
    job = story.now.reply.job
    assert job is not None
    long = "a sentence of an answer. " * 20_000
    written = ReplyWritten(**story.head(3), job=job, text=long)
    decision = story.apply(written)
    assert story.now.sends == ()
    assert story.now.status is Status.SUPPORT_ACTIVE
    assert story.now.needs_operator
    marks = [one for one in decision.effects if isinstance(one, MarkMessages)]
    assert [(mark.processing, mark.reason) for mark in marks] == [
        (Processing.FAILED, FailureReason.TOO_MUCH_TO_SEND)
    ]
    check_invariants(story.now)


def test_trust_m6_what_waits_is_counted_in_bytes_as_well() -> None:
    assert has_room((), ["x" * 256 * 1024])
    assert not has_room((), ["س" * 128 * 1024, "س"])
    assert not has_room((), ["x"] * (MAX_WAITING_PARTS + 1))


class LateJournal(PostgresJournal):
    """A database that never comes to the end of one operator's words."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self.attempts: list[int] = []

    async def commit_batch(self, epoch: Epoch, batch: Batch, last_seq: int) -> None:
        """Take too long for what holds the words."""
        if any("never" in event.payload for event in batch.events):
            self.attempts.append(len(batch.events))
            raise CommitTimedOutError
        await super().commit_batch(epoch, batch, last_seq)


async def test_trust_m6_a_commit_that_always_takes_too_long_is_isolated(
    api: Api, app: FastAPI, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = await add_channel(app, alice.tenant_id, ChannelKind.TELEGRAM)
    conversation = await write_as_customer(api, channel, "sara", "hello")
    journal = LateJournal(api.pool)
    monkeypatch.setattr(api.shards.shard, "_journal", journal)
    shard = api.shards.shard

    def answer(text: str) -> OperatorAnswered:
        return OperatorAnswered(
            id=EventId(uuid4()),
            conversation_id=conversation,
            at=api.clock.now(),
            user_id=UserId(uuid4()),
            text=text,
        )

    poison = answer("never")
    results: list[object] = []
    for number in range(12):
        batch = [poison, *(answer(f"{number}.{index}") for index in range(3))]
        results = [*await shard.submit(batch)]
        if isinstance(results[0], InvalidEventError):
            break
        assert isinstance(results[0], ShardUnavailableError)
    assert isinstance(results[0], InvalidEventError)
    assert journal.attempts[-MAX_TIMEOUTS:] == [1] * MAX_TIMEOUTS
    assert shard.is_serving
    (stored,) = await shard.submit([answer("later")])
    assert not isinstance(stored, Exception)


async def test_trust_m6_an_event_that_makes_the_state_too_large_is_refused(
    pool: Pool, api: Api, app: FastAPI, alice: User
) -> None:
    channel = await add_channel(app, alice.tenant_id, ChannelKind.TELEGRAM)
    await write_as_customer(api, channel, "sara", "hello")
    with pytest.raises(InvalidEventError):
        await _refer_to(api, channel, "x" * 600_000)
    assert await pool.fetchval(LARGEST) < 10_000


async def _refer_to(api: Api, channel: Channel, text: str) -> None:
    """Let a customer answer a text that is longer than any platform's."""
    event = replace(ask(channel, "sara", api.clock), referred=text, mid="m9")
    await api.shards.submit(replace(event, id=EventId(uuid4())))


class HangingProfiles:
    """Never tells who a customer of the busy tenant is, and all others at once."""

    def __init__(self, busy: TenantId) -> None:
        self.busy = busy

    async def look_up(self, customer: CustomerRef) -> Profile:
        """Tell, or hang."""
        if customer.tenant_id == self.busy:
            await asyncio.Event().wait()
        return Profile("Sara")


async def test_trust_m14_new_customers_of_one_tenant_take_no_other_s_names() -> None:
    story = Story()
    story.customer_writes("hello", 0)
    busy, learned = story.now, asyncio.Event()
    lookups = ProfileLookups(
        HangingProfiles(busy.tenant_id), SystemClock(), lambda _: learned.set(), uuid4
    )
    for _ in range(500):
        lookups.begin(replace(busy, id=ConversationId(uuid4())))
    # Let all of them ask for their places.
    await asyncio.sleep(0)
    lookups.begin(
        replace(busy, id=ConversationId(uuid4()), tenant_id=TenantId(uuid4()))
    )
    async with time_limit(lambda: "the name was not looked up"):
        await learned.wait()
    await lookups.stop()
