"""The contract of a journal: PostgreSQL's and the one in memory alike."""

from dataclasses import replace

import orjson
import pytest

from actors.conversation.codec import decode_event, decode_state
from actors.conversation.events import CustomerWrote, Event, MessageEdited
from actors.conversation.ports import Journal
from actors.conversation.shard.batch_builder import BatchBuilder
from actors.conversation.state import Profile, Source
from persistence.database import Pool
from persistence.errors import BatchRefusedError, ShardFencedError
from persistence.ids import MessageId, slot_of
from persistence.journal import Batch, Epoch, MessageUpdate, PostgresJournal
from tests.support.conversation.conversations import Story, at
from tests.support.conversation.memory_journal import MemoryJournal
from tests.support.conversation.redaction import REDACTED
from tests.support.conversation.seeding import add_channel


@pytest.fixture
def memory() -> Journal:
    return MemoryJournal()


@pytest.fixture
async def postgres(pool: Pool) -> Journal:
    await add_channel(pool)
    return PostgresJournal(pool)


@pytest.fixture(params=["memory", "postgres"])
def journal(request: pytest.FixtureRequest) -> Journal:
    found: Journal = request.getfixturevalue(request.param)
    return found


def write(story: Story, seq: int, text: str = "سلام") -> Batch:
    """Return the batch in which the story's customer writes something."""
    builder = BatchBuilder()
    event = story.customer_event(text, seq, f"m{seq}")
    is_new = story.state is None
    builder.add(event, story.apply(event), seq, is_new=is_new)
    return builder.batch


async def commit(journal: Journal, epoch: Epoch, batch: Batch, seq: int) -> Epoch:
    """Commit the batch, and return what the shard goes on from."""
    await journal.commit_batch(epoch, batch, seq)
    return replace(epoch, seq=seq)


async def test_a_place_is_taken_with_a_higher_epoch_each_time(journal: Journal) -> None:
    first = await journal.raise_epoch(0)
    again = await journal.raise_epoch(0)
    assert (first.epoch, again.epoch) == (1, 2)


async def test_numbers_go_on_above_those_of_every_shard(journal: Journal) -> None:
    epoch = await journal.raise_epoch(0)
    epoch = await commit(journal, epoch, write(Story(), 7), 7)
    assert await journal.raise_epoch(0) == Epoch(0, 2, 7)
    assert await journal.raise_epoch(1) == Epoch(1, 1, 7)


async def test_what_is_committed_is_known(journal: Journal) -> None:
    story, stranger = Story(), Story(customer="reza")
    event = story.customer_event("سلام", 1, "m1")
    epoch = await journal.raise_epoch(0)
    epoch = await commit(journal, epoch, write(story, 1), 1)
    known = await journal.fetch_before_deciding(
        [story.id, stranger.id], [event.id, stranger.new_id()]
    )
    assert known.events == {event.id: 1}
    assert {one: decode_state(text) for one, text in known.states.items()} == {
        story.id: story.now
    }


async def test_who_lost_the_place_writes_nothing(journal: Journal) -> None:
    story = Story()
    old = await journal.raise_epoch(0)
    new = await journal.raise_epoch(0)
    batch = write(story, 1)
    with pytest.raises(ShardFencedError):
        await journal.commit_batch(old, batch, 1)
    assert (await journal.fetch_before_deciding([story.id], [])).states == {}
    await journal.commit_batch(new, batch, 1)


async def test_a_commit_that_was_under_way_is_refused_after_the_renewal(
    journal: Journal,
) -> None:
    old = await journal.raise_epoch(0)
    held = await journal.renew_epoch(old)
    assert held is not None
    with pytest.raises(ShardFencedError):
        await journal.commit_batch(old, write(Story(), 1), 1)
    await journal.commit_batch(held, write(Story(), 1), 1)


async def test_a_renewal_whose_answer_was_lost_can_be_repeated(
    journal: Journal,
) -> None:
    epoch = await journal.raise_epoch(0)
    await journal.renew_epoch(epoch)
    held = await journal.renew_epoch(epoch)
    assert held is not None
    assert held.seq > epoch.seq
    await journal.commit_batch(held, write(Story(), held.seq + 1), held.seq + 1)


async def test_a_place_that_is_lost_is_not_renewed(journal: Journal) -> None:
    old = await journal.raise_epoch(0)
    new = await journal.raise_epoch(0)
    assert await journal.renew_epoch(old) is None
    await journal.commit_batch(new, write(Story(), 1), 1)


async def test_a_commit_that_counts_on_from_an_older_number_is_refused(
    journal: Journal,
) -> None:
    epoch = await journal.raise_epoch(0)
    await journal.commit_batch(epoch, write(Story(), 1), 1)
    with pytest.raises(ShardFencedError):
        await journal.commit_batch(epoch, write(Story(customer="reza"), 2), 2)


async def test_a_conversation_with_a_newer_version_is_anothers(
    journal: Journal,
) -> None:
    story, behind = Story(), Story()
    epoch = await journal.raise_epoch(0)
    epoch = await commit(journal, epoch, write(story, 1), 1)
    with pytest.raises(ShardFencedError):
        await journal.commit_batch(epoch, write(behind, 2), 2)


async def test_an_event_happens_once_and_a_refused_batch_leaves_nothing(
    journal: Journal,
) -> None:
    story, other = Story(), Story(customer="reza")
    epoch = await journal.raise_epoch(0)
    first = write(story, 1)
    epoch = await commit(journal, epoch, first, 1)
    twice, beside = write(story, 2), write(other, 3)
    # The id of the first event again, as if nobody had asked for it before.
    again = replace(twice.events[0], id=first.events[0].id)
    twice.events = [again, *beside.events]
    twice.conversations |= beside.conversations
    twice.customers |= beside.customers
    twice.timers |= beside.timers
    with pytest.raises(BatchRefusedError):
        await journal.commit_batch(epoch, twice, 3)
    assert other.id not in (await journal.fetch_before_deciding([other.id], [])).states
    assert len(await journal.fetch_timers(0, 1)) == 1


@pytest.mark.parametrize("is_late", [False, True])
async def test_what_is_taken_back_is_forgotten_and_nothing_else(
    journal: Journal, request: pytest.FixtureRequest, is_late: bool
) -> None:
    story, other = Story(), Story(customer="reza")
    secret = story.customer_event("a secret", 1, "m1")
    unsent = story.unsent_event("m1", 2)
    told: list[tuple[Story, Event]] = [(story, secret), (story, unsent)]
    if is_late:
        told.reverse()
    told.append((story, story.customer_event("not a secret", 3, "m2")))
    told.append((other, other.customer_event("reza's", 4, "m1")))
    epoch = await journal.raise_epoch(0)
    for seq, (of, event) in enumerate(told, start=1):
        builder, is_new = BatchBuilder(), of.state is None
        builder.add(event, of.apply(event), seq, is_new=is_new)
        epoch = await commit(journal, epoch, builder.batch, seq)
    texts = await fetch_texts(request)
    assert sorted(texts) == sorted([REDACTED, "not a secret", "reza's"])


async def test_of_what_is_forgotten_only_whether_the_words_changed_is_kept(
    journal: Journal, request: pytest.FixtureRequest
) -> None:
    story = Story()
    told: list[Event] = [
        story.customer_event("b secret", 1, "m1", referred="another secret"),
        story.edited_event("m1", "a secret", 2),
        story.edited_event("m1", "b secret", 3),
        story.unsent_event("m1", 4),
        # Late: it counts no more, and is forgotten too.
        story.edited_event("m1", "c secret", 5),
    ]
    epoch = await journal.raise_epoch(0)
    for seq, event in enumerate(told, start=1):
        builder = BatchBuilder()
        builder.add(event, story.apply(event), seq, is_new=seq == 1)
        epoch = await commit(journal, epoch, builder.batch, seq)
    (said,) = await fetch_texts(request)
    first, second, _ = edits = await fetch_texts(request, MessageEdited)
    assert said == second != first
    assert {*edits, said} == {REDACTED, f"{REDACTED}2", f"{REDACTED}3"}


async def test_what_was_taken_back_stays_blank_whatever_comes_after(
    journal: Journal, request: pytest.FixtureRequest
) -> None:
    # The state knows the newest sixteen; an edit of an older one may still come.
    story = Story()
    secret = story.customer_event("a secret", 1, "m1")
    epoch = await journal.raise_epoch(0)
    told: tuple[Event, ...] = (secret, story.unsent_event("m1", 2))
    for seq, event in enumerate(told, start=1):
        builder, is_new = BatchBuilder(), story.state is None
        builder.add(event, story.apply(event), seq, is_new=is_new)
        epoch = await commit(journal, epoch, builder.batch, seq)
    late = write(story, 3)
    message = MessageId(secret.id)
    late.updates[message] = MessageUpdate(message, "failed", content="a secret")
    await commit(journal, epoch, late, 3)
    if request.node.callspec.params["journal"] == "memory":
        memory: MemoryJournal = request.getfixturevalue("memory")
        row = memory.messages[message]
        stored = (row.content, orjson.loads(row.metadata), row.processing_status)
    else:
        pool: Pool = request.getfixturevalue("pool")
        found = await pool.fetchrow("SELECT * FROM messages WHERE id = $1", message)
        assert found is not None
        stored = (found["content"], found["metadata"], found["processing_status"])
    assert stored == ("", {"unsent": True}, "failed")


async def fetch_texts(
    request: pytest.FixtureRequest,
    kind: type[CustomerWrote | MessageEdited] = CustomerWrote,
) -> list[str]:
    """Fetch what the events of a kind say, of whichever journal the test has."""
    if request.node.callspec.params["journal"] == "memory":
        memory: MemoryJournal = request.getfixturevalue("memory")
        rows = [stored.row for stored in memory.events.values()]
        events = [decode_event(row.kind, row.payload) for row in rows]
        return [event.text for event in events if isinstance(event, kind)]
    pool: Pool = request.getfixturevalue("pool")
    found = await pool.fetch(
        "SELECT payload ->> 'text' AS text FROM conversation_events"
        " WHERE kind = $1 ORDER BY version",
        kind.__name__,
    )
    return [row["text"] for row in found]


async def test_what_can_not_be_stored_is_refused(journal: Journal) -> None:
    epoch = await journal.raise_epoch(0)
    with pytest.raises(BatchRefusedError):
        await journal.commit_batch(epoch, write(Story(), 1, "bad\x00text"), 1)


async def test_a_customer_keeps_their_name_and_is_called_as_the_platform_does_now(
    pool: Pool, postgres: Journal
) -> None:
    memory, story = MemoryJournal(), Story(Source.TELEGRAM)
    epoch, twin = await postgres.raise_epoch(0), await memory.raise_epoch(0)
    profiles = (
        None,
        Profile(username="s"),
        Profile("Sara", "A", "sara"),
        Profile("Sarah", username="sarah"),
    )
    for seq, profile in enumerate(profiles, 1):
        builder = BatchBuilder()
        event = story.customer_event("x", seq, f"m{seq}")
        assert isinstance(event, CustomerWrote)
        event = replace(event, profile=profile)
        builder.add(event, story.apply(event), seq, is_new=seq == 1)
        epoch = await commit(postgres, epoch, builder.batch, seq)
        twin = await commit(memory, twin, builder.batch, seq)
    row = await pool.fetchrow("SELECT * FROM customers")
    (kept,) = memory.customers.values()
    assert row is not None
    assert (row["first_name"], row["last_name"], row["username"]) == (
        "Sara",
        "A",
        "sarah",
    )
    assert (kept.first_name, kept.last_name, kept.username) == ("Sara", "A", "sarah")


async def test_a_timer_is_replaced_and_cleared_by_its_kind(journal: Journal) -> None:
    story = Story(Source.INSTAGRAM)
    epoch = await journal.raise_epoch(0)
    epoch = await commit(journal, epoch, write(story, 1), 1)
    epoch = await commit(journal, epoch, write(story, 2), 2)
    (timer,) = await journal.fetch_timers(0, 1)
    assert (timer.conversation_id, timer.kind) == (story.id, "reply")
    assert timer.due_at == at(4)
    cleared = Batch(timers={(story.id, "reply"): None})
    epoch = await commit(journal, epoch, cleared, 3)
    assert await journal.fetch_timers(0, 1) == ()


async def test_a_shard_is_given_the_timers_of_its_slots_in_order(
    journal: Journal,
) -> None:
    epoch = await journal.raise_epoch(0)
    stories = [Story(customer=name) for name in ("sara", "reza", "mina", "omid")]
    for seq, story in enumerate(reversed(stories), 1):
        epoch = await commit(journal, epoch, write(story, seq), seq)
    for shard in (0, 1):
        rows = await journal.fetch_timers(shard, 2)
        mine = {story.id for story in stories if slot_of(story.id) % 2 == shard}
        assert {row.conversation_id for row in rows} == mine
        assert [row.due_at for row in rows] == sorted(row.due_at for row in rows)
