"""Measures the conversations and timers of one shard: memory, latency, recovery.

Run it with `python -m benchmarks.conversations`. One shard in this process, on an
embedded PostgreSQL of its own; every conversation is made by an event through the
shard's inbox, a shared post that waits for its question, so each has an armed timer.
`python -m benchmarks.shards` has what needs a whole runtime.
"""

import argparse
import asyncio
import gc
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psutil

from actors.clock import SystemClock
from actors.conversation.events import CustomerShared, Event, Media
from actors.conversation.ports import AnswerJob, OutgoingPart, WrittenAnswer
from actors.conversation.rules.policy import Policy
from actors.conversation.shard.envelope import Receipt
from actors.conversation.shard.mirror import Mirror
from actors.conversation.shard.shard import Shard
from actors.conversation.state import Conversation, MessageType, Source
from config.logging import setup_logging
from persistence import migrate
from persistence.database import Pool, open_pool
from persistence.embedded.server import EmbeddedPostgres
from persistence.ids import (
    ChannelId,
    ConversationId,
    TenantId,
    derive_conversation_id,
    derive_event_id,
)
from persistence.journal import PostgresJournal

TENANT = TenantId(UUID(int=1))
CHANNEL = ChannelId(UUID(int=2))
#: As many events as one webhook replica would send at once.
BATCH = 256
#: So many conversations are made before memory is first looked at: imports, caches.
WARM_UP = 2000
#: Conversations that are written to, one after the other, for each of the two costs.
TOUCHED = 500
BYTES_AIM = 2048
LATENESS_AIM_S = 1.0
RECOVERY_AIM_S = 5.0
#: Timers fall due over so many seconds, after a start that found them in the database.
DUE_AFTER = timedelta(seconds=20)
CAPTION = "عنوان: مانتوی بهاره\nکپشن: رنگ‌بندی جدید، ارسال به سراسر کشور"
CLOCK = SystemClock()

SPREAD = """
WITH spread AS (
    SELECT conversation_id AS id,
        $1::timestamptz + $2::interval
            * (row_number() OVER (ORDER BY conversation_id)) / $3::float AS at
    FROM timers WHERE kind = 'share'
), moved AS (
    UPDATE timers SET due_at = spread.at FROM spread
    WHERE conversation_id = spread.id AND kind = 'share'
)
UPDATE conversations
SET state = jsonb_set(state, '{pending_share,due_at}', to_jsonb(spread.at))
FROM spread WHERE conversations.id = spread.id
"""


class NullServices:
    """The answering side and the platforms, which a share calls never."""

    async def write(self, job: AnswerJob) -> WrittenAnswer:
        """Answer."""
        return WrittenAnswer(str(job.conversation_id))

    async def send(self, part: OutgoingPart) -> str:
        """Take the part."""
        return str(part.send_id)


@dataclass(slots=True)
class LatenessObserver(Mirror):
    """Stands for the mirror, and notes the lateness of each timer after its commit."""

    wanted: int = 0
    due: dict[ConversationId, datetime] = field(default_factory=dict)
    late_s: list[float] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, states: Iterable[Conversation]) -> None:
        """Note the lateness of the timers that ended with this commit."""
        now = CLOCK.now()
        for state in states:
            if state.pending_share is None and state.id in self.due:
                self.late_s.append((now - self.due.pop(state.id)).total_seconds())
        if len(self.late_s) >= self.wanted:
            self.done.set()


def build_shard(pool: Pool, observer: LatenessObserver, max_resident: int) -> Shard:
    """Build a shard that holds that many conversations."""
    return Shard(
        shard=0,
        shards=1,
        journal=PostgresJournal(pool),
        responder=NullServices(),
        sender=NullServices(),
        policy=Policy(share_timeout=timedelta(hours=1)),
        clock=CLOCK,
        max_resident=max_resident,
        mirror=observer,
    )


def shared(number: int) -> Event:
    """Build the event of a customer sharing a post, with a new id each time."""
    customer = f"1784140000{number:07}"
    conversation = derive_conversation_id(CHANNEL, customer)
    mid = uuid4().hex
    return CustomerShared(
        id=derive_event_id(conversation, mid),
        conversation_id=conversation,
        at=CLOCK.now(),
        tenant_id=TENANT,
        channel_id=CHANNEL,
        source=Source.INSTAGRAM,
        customer=customer,
        mid=mid,
        content=CAPTION,
        media=(Media(MessageType.SHARE, "https://cdn.example/p/1", "1784140"),),
    )


async def submit(shard: Shard, numbers: Iterable[int]) -> None:
    """Record one share of each of these customers."""
    results = await shard.submit([shared(number) for number in numbers])
    lost = [result for result in results if not isinstance(result, Receipt)]
    if lost:
        raise lost[0]


async def fill(shard: Shard, first: int, last: int) -> None:
    """Make conversations, batch by batch."""
    for start in range(first, last, BATCH):
        await submit(shard, range(start, min(last, start + BATCH)))


def own_bytes() -> int:
    """Return the memory of this process that no file backs.

    Pages of libraries count as another process's too while one has them mapped, and
    would come and go in a growth that is measured.
    """
    gc.collect()
    memory = psutil.Process().memory_info()
    # Only Linux tells the pages of files apart.
    return int(memory.rss - getattr(memory, "shared", 0))


@contextmanager
def timed(seconds: list[float]) -> Iterator[None]:
    """Add the time that the block took."""
    began = time.perf_counter()
    yield
    seconds.append(time.perf_counter() - began)


async def measure_residents(pool: Pool, count: int) -> None:
    """Fill a shard; print its growth per conversation, and what an event costs it."""
    shard = build_shard(pool, LatenessObserver(), count)
    await shard.start()
    warm_up = min(WARM_UP, count // 2)
    await fill(shard, 0, warm_up)
    before = own_bytes()
    took: list[float] = []
    with timed(took):
        await fill(shard, warm_up, count)
    made = count - warm_up
    each = (own_bytes() - before) / made
    print(f"conversations made, each with its timer:  {made / took[0]:9.0f} per s")
    print(f"bytes per resident conversation:          {each:9.0f} (aim: {BYTES_AIM})")
    resident = await measure_touch(shard, count - TOUCHED)
    await shard.stop()
    # Nothing is resident in one that has just started.
    cold_shard = build_shard(pool, LatenessObserver(), count)
    await cold_shard.start()
    cold = await measure_touch(cold_shard, count - TOUCHED)
    await cold_shard.stop()
    print(f"event of a resident conversation:         {resident:9.2f} ms")
    print(f"event of a cold conversation:             {cold:9.2f} ms")
    print(f"cold activation:                          {cold - resident:9.2f} ms")


async def measure_touch(shard: Shard, first: int) -> float:
    """Return the median milliseconds of one event, one at a time."""
    took: list[float] = []
    for number in range(first, first + TOUCHED):
        with timed(took):
            await submit(shard, [number])
    return 1000 * statistics.median(took)


async def measure_timers(pool: Pool, count: int, window: timedelta) -> None:
    """Start a shard that finds armed timers; print its start and their lateness."""
    first_at = CLOCK.now() + DUE_AFTER
    await pool.execute(SPREAD, first_at, window, float(count), timeout=120)
    rows = await pool.fetch("SELECT conversation_id, due_at FROM timers")
    observer = LatenessObserver(
        wanted=len(rows), due={row["conversation_id"]: row["due_at"] for row in rows}
    )
    shard = build_shard(pool, observer, count)
    took: list[float] = []
    with timed(took):
        await shard.start()
        # Serving again: it has taken an event of a customer that it did not know.
        await submit(shard, [count])
    early_s = (first_at - CLOCK.now()).total_seconds()
    await observer.done.wait()
    await shard.stop()
    late = sorted(observer.late_s)
    p50, p99 = (late[int(share * (len(late) - 1))] for share in (0.5, 0.99))
    print(f"start of a shard with {len(rows):>7} timers:     {took[0]:9.2f} s", end=" ")
    print(f"(aim: {RECOVERY_AIM_S:.0f})")
    if early_s < 0:
        print("the first timers were due before it had started: raise DUE_AFTER")
    rate = len(rows) / window.total_seconds()
    print(f"timers due per second:                    {rate:9.0f}")
    print(f"lateness of their commit, median:         {p50:9.3f} s")
    print(f"lateness of their commit, 99th:           {p99:9.3f} s", end=" ")
    print(f"(aim: {LATENESS_AIM_S:.0f})")


@asynccontextmanager
async def opened() -> AsyncIterator[Pool]:
    """Open an empty shop in a database of its own."""
    with tempfile.TemporaryDirectory(prefix="pilito-") as folder:
        # Into a file, as in the runtime: writing lines is a part of the cost.
        setup_logging(Path(folder) / "logs", "shards")
        postgres = EmbeddedPostgres(Path(folder) / "pg")
        dsn = await asyncio.to_thread(postgres.start)
        try:
            await asyncio.to_thread(migrate.upgrade, dsn)
            pool = await open_pool(dsn)
            await pool.execute(
                "INSERT INTO tenants (id, name) VALUES ($1, 'x')", TENANT
            )
            await pool.execute(
                "INSERT INTO channels (id, tenant_id, kind, name, account_id)"
                " VALUES ($1, $2, 'instagram', 'x', 'x')",
                CHANNEL,
                TENANT,
            )
            yield pool
            await pool.close()
        finally:
            await asyncio.to_thread(postgres.stop)


async def measure(count: int, window: timedelta) -> None:
    """Measure all in one database, one after the other."""
    async with opened() as pool:
        await measure_residents(pool, count)
        await measure_timers(pool, count, window)


def main() -> None:
    """Read the size of the run, and run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=100_000)
    parser.add_argument("--window", type=float, default=100.0, metavar="SECONDS")
    options = parser.parse_args()
    asyncio.run(measure(options.conversations, timedelta(seconds=options.window)))


if __name__ == "__main__":
    main()
