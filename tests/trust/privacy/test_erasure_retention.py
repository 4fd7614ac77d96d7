"""Old messages go, in steps and with all that was made of them (H7, growth)."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from actors.clock_watch import ClockWatch
from actors.conversation.events import (
    AiSwitched,
    CustomerWrote,
    Event,
    NoteWritten,
    customer_message_id,
)
from actors.conversation.rules.policy import Policy
from actors.conversation.shard.envelope import Receipt
from actors.conversation.shard.housekeeping import STEADY_FOR, ShardHousekeeping
from actors.conversation.state import Source
from actors.errors import ActorError
from deployments.commands.replay import Verdict, replay
from persistence import erasure
from persistence.channels import Channel, ChannelKind
from persistence.database import Pool
from persistence.dead_letters import DeadLetter, insert_dead_letter
from persistence.ids import (
    ConversationId,
    EventId,
    UserId,
    derive_conversation_id,
    derive_customer_id,
)
from tests.support.api import LocalShards
from tests.support.clock import FakeClock
from tests.support.conversation.tables import count_rows, dump_tables, find
from tests.support.website import add_shop

NOW = datetime(2026, 6, 1, tzinfo=UTC)
RETENTION = timedelta(days=30)


class Diary:
    """A shop whose customers wrote at various times."""

    def __init__(self, pool: Pool, channel: Channel, shards: LocalShards) -> None:
        self.pool = pool
        self.channel = channel
        self.shards = shards
        self.housekeeping = ShardHousekeeping(
            pool, 0, 1, shards.shard.submit, FakeClock(NOW), RETENTION
        )

    async def write(self, customer: str, text: str, days_ago: float) -> ConversationId:
        """Let a customer write."""
        conversation = derive_conversation_id(self.channel.id, customer)
        await self.shards.submit(
            CustomerWrote(
                id=customer_message_id(conversation, text),
                conversation_id=conversation,
                at=NOW - timedelta(days=days_ago),
                tenant_id=self.channel.tenant_id,
                channel_id=self.channel.id,
                source=Source.WEBSITE,
                customer=customer,
                mid=text,
                text=text,
            )
        )
        return conversation


@pytest.fixture
async def diary(pool: Pool) -> AsyncIterator[Diary]:
    channel = await add_shop(pool, ChannelKind.WEBSITE, "key")
    # Nobody is answered: these customers wrote long before the shard's own clock.
    shards = LocalShards(pool, policy=Policy(reply_debounce=timedelta(days=3650)))
    await shards.shard.start()
    yield Diary(pool, channel, shards)
    await shards.shard.stop()


async def test_trust_h7_messages_older_than_the_retention_go_in_steps(
    diary: Diary, dsn: str
) -> None:
    kept = await diary.write("sara", "قدیمیِ سارا", 40)
    await diary.write("sara", "تازه‌ی سارا", 3)
    gone = await diary.write("omid", "قدیمیِ امید", 31)
    # More than one step of them, so that the pages are gone through.
    for n in range(120):
        await diary.write(f"kunde{n}", "قدیمیِ همه", 60)

    for n_left in (3, 2, 1):  # A day beyond the oldest at a time.
        await diary.housekeeping.prune()
        assert await count_rows(diary.pool, "messages") == n_left

    dump = "\n".join((await dump_tables(diary.pool)).values())
    assert find(["قدیمی", "omid", str(gone), "kunde119"], dump) == []
    assert "تازه‌ی سارا" in dump
    assert await count_rows(diary.pool, "conversations") == 1
    assert await count_rows(diary.pool, "customers") == 1
    assert await count_rows(diary.pool, "messages") == 1
    # Nobody asked for it, and no platform repeats what is so old.
    assert await count_rows(diary.pool, "forgotten_events") == 0
    assert await count_rows(diary.pool, "erasures") == 0
    # A replay says plainly that the beginning is gone.
    said: list[str] = []
    assert await replay(dsn, kept, Policy(), said.append) is Verdict.IMPOSSIBLE
    assert "events 1 to 1 were removed" in said[0]
    # The conversation goes on.
    await diary.write("sara", "باز هم سارا", 0)
    assert await count_rows(diary.pool, "messages") == 2
    assert await diary.write("omid", "سلام", 0) == gone


async def test_trust_h7_a_clock_that_is_wrong_for_a_moment_costs_no_message(
    diary: Diary,
) -> None:
    await diary.write("sara", "سلام", 3)
    clock, elapsed = FakeClock(NOW), FakeClock(NOW)
    housekeeping = ShardHousekeeping(
        diary.pool,
        0,
        1,
        diary.shards.shard.submit,
        clock,
        RETENTION,
        clock_watch=ClockWatch(clock, lambda: elapsed.now() - NOW),
    )
    await diary.write("omid", "قدیمی", 40)
    # Ten years ahead for eight seconds, and right again.
    clock.advance(timedelta(days=3650))
    await housekeeping.prune_when_due()
    elapsed.advance(timedelta(seconds=8))
    clock.advance(timedelta(days=-3650, seconds=8))
    await housekeeping.prune_when_due()
    assert await count_rows(diary.pool, "messages") == 2
    for _ in range(2):
        for one in (clock, elapsed):
            one.advance(STEADY_FOR)
        await housekeeping.prune_when_due()
    rows = await diary.pool.fetch("SELECT content FROM messages")
    assert [row["content"] for row in rows] == ["سلام"]


async def test_trust_h7_a_clock_that_stays_ahead_costs_a_day_at_a_time(
    diary: Diary,
) -> None:
    for days_ago in (1, 2, 3, 4):
        await diary.write(f"sara{days_ago}", "سلام", days_ago - 0.5)
    ahead = ShardHousekeeping(
        diary.pool,
        0,
        1,
        diary.shards.shard.submit,
        FakeClock(NOW + timedelta(days=3650)),
        RETENTION,
    )
    for n_left in (3, 2):
        await ahead.prune()
        assert await count_rows(diary.pool, "messages") == n_left


async def test_trust_h7_without_a_retention_everything_stays(diary: Diary) -> None:
    await diary.write("sara", "سلام", 4000)
    forever = ShardHousekeeping(
        diary.pool, 0, 1, diary.shards.shard.submit, FakeClock(NOW)
    )
    await forever.prune()
    assert await count_rows(diary.pool, "messages") == 1


async def test_trust_h7_whoever_writes_just_now_is_not_taken_for_old(
    diary: Diary,
) -> None:
    old = await diary.write("sara", "قدیمی", 40)
    real = diary.housekeeping._submit

    async def write_first(events: Sequence[Event]) -> list[Receipt | ActorError]:
        await diary.write("sara", "همین حالا", 0)
        return await real(events)

    diary.housekeeping._submit = write_first
    await diary.housekeeping.prune()
    rows = await diary.pool.fetch("SELECT content FROM messages")
    assert [row["content"] for row in rows] == ["همین حالا"]
    assert await diary.pool.fetchval("SELECT id FROM conversations") == old


async def test_trust_h7_an_operators_click_keeps_no_old_words(diary: Diary) -> None:
    conversation = await diary.write("sara", "قدیمی", 40)
    await diary.shards.submit(
        AiSwitched(
            id=EventId(uuid4()),
            conversation_id=conversation,
            at=NOW,
            user_id=UserId(UUID(int=3)),
            ai_enabled=False,
        )
    )
    await diary.housekeeping.prune()
    assert await count_rows(diary.pool, "conversations") == 0


async def test_trust_h7_old_notes_go_with_the_messages_of_their_time(
    diary: Diary,
) -> None:
    conversation = await diary.write("sara", "قدیمی", 40)
    for age, text in ((40, "یادداشتِ قدیمی"), (1, "یادداشتِ تازه")):
        await diary.shards.submit(
            NoteWritten(
                id=EventId(uuid4()),
                conversation_id=conversation,
                at=NOW - timedelta(days=age),
                user_id=UserId(UUID(int=3)),
                text=text,
            )
        )
    await diary.write("sara", "تازه", 1)
    await diary.housekeeping.prune()
    rows = await diary.pool.fetch("SELECT content FROM notes")
    assert [row["content"] for row in rows] == ["یادداشتِ تازه"]
    assert "قدیمی" not in str(await dump_tables(diary.pool))


async def test_trust_h7_what_the_command_line_asks_for_is_erased(diary: Diary) -> None:
    await diary.write("sara", "سلام", 0)
    await diary.write("omid", "سلام", 0)
    tenant = diary.channel.tenant_id
    sara = derive_customer_id(diary.channel.id, "sara")
    await erasure.request_erasure(diary.pool, tenant, sara)
    assert await diary.housekeeping.erase_requested() == 1
    assert await erasure.count_requests(diary.pool, tenant) == 0
    assert await count_rows(diary.pool, "customers") == 1
    # A request for what is gone already is withdrawn.
    await erasure.request_tenant_erasures(diary.pool, tenant)
    await diary.pool.execute("UPDATE erasure_requests SET conversation_id = $1", tenant)
    assert await diary.housekeeping.erase_requested() == 0
    assert await erasure.count_requests(diary.pool, tenant) == 0


async def test_trust_h7_hashes_that_are_of_no_use_go(diary: Diary) -> None:
    await diary.pool.execute(
        "INSERT INTO forgotten_events (digest, tenant_id, erased_at) VALUES"
        " ('\\x01', $1, $2), ('\\x02', $1, $3)",
        diary.channel.tenant_id,
        NOW - timedelta(days=31),
        NOW - timedelta(days=29),
    )
    await diary.housekeeping.prune()
    assert await count_rows(diary.pool, "forgotten_events") == 1


@pytest.mark.parametrize(("retention_days", "kept"), [(None, 29), (7, 6), (400, 29)])
async def test_trust_h7_letters_go_with_messages_of_their_age(
    diary: Diary, retention_days: int | None, kept: int
) -> None:
    """A letter holds words, and its tenant may never have another one."""
    for days_ago in (kept, kept + 2):
        letter = DeadLetter(
            id=EventId(uuid4()),
            channel_id=diary.channel.id,
            conversation_id=derive_conversation_id(diary.channel.id, "sara"),
            kind="CustomerWrote",
            payload="{}",
            error="InvalidEventError",
            created_at=NOW - timedelta(days=days_ago),
        )
        await insert_dead_letter(diary.pool, diary.channel.tenant_id, letter)
    assert await count_rows(diary.pool, "dead_letters") == 2
    retention = None if retention_days is None else timedelta(days=retention_days)
    await ShardHousekeeping(
        diary.pool, 0, 1, diary.shards.shard.submit, FakeClock(NOW), retention
    ).prune()
    left = await diary.pool.fetch("SELECT created_at FROM dead_letters")
    assert [row["created_at"] for row in left] == [NOW - timedelta(days=kept)]
