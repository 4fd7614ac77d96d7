"""Tables that change most stay small (M16)."""

import asyncpg
import pytest

from actors.conversation.effects import Decision
from actors.conversation.events import Event
from actors.conversation.shard.batch_builder import BatchBuilder
from actors.conversation.state import Source
from persistence import retention
from persistence.database import Connection, Pool
from persistence.journal import Epoch, PostgresJournal, commit_batch
from tests.support.conversation.conversations import Story, at
from tests.support.conversation.seeding import add_channel
from tests.support.conversation.tables import count_rows

#: Table: its fillfactor, and the share of dead rows at which a vacuum begins.
HOT = {
    "shards": (10, 0.0),
    "timers": (70, 0.01),
    "conversations": (75, 0.01),
    "outbox": (80, 0.01),
    "messages": (85, 0.01),
    "service_states": (70, 0.01),
    "shown_windows": (70, 0.01),
    "alert_deliveries": (80, 0.02),
    "check_requests": (None, 0.0),
    "conversation_events": (None, 0.02),
}
#: Tables of the conversations' load.
LOADED = (
    *("shards", "timers", "conversations", "outbox", "messages"),
    *("conversation_events", "answer_proofs"),
)
DAY_S = 86_400
DAYS, CUSTOMERS, KEPT_DAYS = 30, 12, 7
#: From here on as much goes as comes.
STEADY = 12
#: Of the size on a steady day: allocation moves in pages, and vacuums between days.
MARGIN, SPARE_BYTES = 1.6, 10 * 8192


@pytest.mark.parametrize("table", HOT)
async def test_trust_m16_hot_tables_have_room_and_are_vacuumed_early(
    pool: Pool, table: str
) -> None:
    options = dict(
        option.split("=")
        for option in await pool.fetchval(
            "SELECT reloptions FROM pg_class WHERE oid = $1::text::regclass", table
        )
    )
    fillfactor, scale = HOT[table]
    assert options.get("fillfactor") == (fillfactor and str(fillfactor))
    assert float(options["autovacuum_vacuum_scale_factor"]) == scale


class Month(Story):
    """A customer who writes every day, and keeps what was decided."""

    steps: list[tuple[Event, Decision, bool]]

    def apply(self, event: Event) -> Decision:
        """Decide, and keep the decision."""
        is_new = self.state is None
        decision = super().apply(event)
        self.steps.append((event, decision, is_new))
        return decision

    def live_a_day(self, day: int) -> None:
        """Ask, be answered, and have the answer arrive."""
        self.steps = []
        noon = day * DAY_S
        job = self.ask_and_start("قیمت مانتو چنده؟ " * 8, noon, f"m{day}")
        self.ai_writes("صد تومن است. " * 8, noon + 3, job=job)
        self.part_is_delivered(f"sent{day}", noon + 4)


class Store:
    """Commits one event at a time: the most updates of a shard's row that there are."""

    def __init__(self, connection: Connection, epoch: Epoch) -> None:
        self.connection = connection
        self.epoch = epoch

    async def commit(self, customer: Month) -> None:
        """Commit what happened to a customer today."""
        for event, decision, is_new in customer.steps:
            seq = self.epoch.seq + 1
            builder = BatchBuilder()
            builder.add(event, decision, seq, is_new=is_new)
            await commit_batch(self.connection, self.epoch, builder.batch, seq)
            self.epoch = Epoch(self.epoch.shard, self.epoch.epoch, seq)

    async def sizes(self) -> dict[str, int]:
        """Return the bytes of each table with its indexes."""
        rows = await self.connection.fetch(
            "SELECT t, pg_total_relation_size(t::regclass) AS size"
            " FROM unnest($1::text[]) AS t",
            list(LOADED),
        )
        return {row["t"]: row["size"] for row in rows}

    async def end_the_day(self, customers: list[Month], day: int) -> None:
        """Prune, and vacuum as autovacuum would."""
        before = at((day - KEPT_DAYS) * DAY_S)
        ids = [customer.id for customer in customers]
        async with self.connection.transaction():
            await retention.prune_messages(self.connection, ids, before)
        for table in LOADED:
            await self.connection.execute(f"VACUUM {table}")


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_trust_m16_a_month_of_load_does_not_bloat_the_tables(
    pool: Pool, dsn: str
) -> None:
    await add_channel(pool)
    epoch = await PostgresJournal(pool).raise_epoch(0)
    customers = [
        Month(Source.INSTAGRAM, customer=f"customer-{n}") for n in range(CUSTOMERS)
    ]
    steady: dict[str, int] = {}
    connection = await asyncpg.connect(dsn)
    try:
        store = Store(connection, epoch)
        for day in range(1, DAYS + 1):
            for customer in customers:
                customer.live_a_day(day)
                await store.commit(customer)
            await store.end_the_day(customers, day)
            if day == STEADY:
                steady = await store.sizes()
        sizes = await store.sizes()
        await connection.execute("SELECT pg_stat_force_next_flush()")
        updates = await connection.fetchrow(
            "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables"
            " WHERE relname = 'shards'"
        )
    finally:
        await connection.close()

    for table in LOADED:
        assert sizes[table] <= steady[table] * MARGIN + SPARE_BYTES, table
    # What is kept is a week of it, and today.
    kept = CUSTOMERS * (KEPT_DAYS + 1)
    assert await count_rows(pool, "messages") == 2 * kept
    assert await count_rows(pool, "outbox") == kept
    # The row of the shard is updated with each commit, and finds room on its page.
    assert updates is not None
    commits = store.epoch.seq - epoch.seq
    assert updates["n_tup_upd"] >= commits
    assert updates["n_tup_hot_upd"] >= 0.9 * updates["n_tup_upd"]


async def test_trust_m16_a_shards_row_needs_no_vacuum(pool: Pool) -> None:
    await add_channel(pool)
    await PostgresJournal(pool).raise_epoch(0)
    async with pool.acquire() as connection:
        await connection.execute("ALTER TABLE shards SET (autovacuum_enabled = false)")
        update = "UPDATE shards SET seq = $1 WHERE shard = 0"
        for n in range(3000):
            await connection.execute(update, n)
        size = await connection.fetchval("SELECT pg_relation_size('shards')")
    assert size <= SPARE_BYTES
