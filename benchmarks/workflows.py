"""Measures workflows in one shard: steps, the cost on ingest, and sleeping runs.

Run it with `python -m benchmarks.workflows`. One shard in this process, on an embedded
PostgreSQL of its own, as in `benchmarks.conversations`. What a customer writes enters
through the shard's inbox; nothing is sent anywhere.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from actors.clock import SystemClock
from actors.conversation.events import CustomerWrote
from actors.conversation.rules.policy import Policy
from actors.conversation.shard.envelope import Receipt
from actors.conversation.shard.shard import Shard
from actors.conversation.shard.workflow_catalog import WorkflowCatalog
from actors.conversation.shard.workflow_source import StoredWorkflows
from actors.conversation.state import Source
from actors.workflow import definition as d
from actors.workflow.definition import Connection, Definition, Duration, Unit
from benchmarks.conversations import NullServices, own_bytes
from config.logging import setup_logging
from deployments.workflows.runs import StoredRuns
from persistence import migrate
from persistence.channels import ChannelKind
from persistence.database import Pool, open_pool
from persistence.embedded.server import EmbeddedPostgres
from persistence.ids import ChannelId, TenantId, derive_conversation_id, derive_event_id
from persistence.journal import PostgresJournal
from tests.support.website import add_shop
from tests.support.workflow.shards import DatabaseWorker, add_workflow

CLOCK = SystemClock()
#: As many events as one webhook replica would send at once.
BATCH = 256
WORKFLOWS = 50
KEYWORDS = 10
INSTANT_NODES = 10
INGEST_AIM = 0.80
LATENESS_AIM_S = 1.0
#: Sleeping runs leave no conversation in memory beyond these.
RESIDENT = 1000
TEXT = "سلام، این پالتو سایز ۴۴ هم داره و ارسالش به شیراز چند روز طول می‌کشه؟ {}"

_STEPS = "SELECT count(*) FROM workflow_steps"
_ENDED = "SELECT count(*) FROM workflow_runs WHERE status <> 'running'"
#: Runs that sleep, or have slept.
_SLEPT = """
SELECT count(*) FROM workflow_runs WHERE waiting_for = 'delay' OR status <> 'running'
"""
_LATE = """
SELECT due.at AS due_at, extract(epoch FROM e.at - due.at)::float AS late
FROM conversation_events e,
    LATERAL (SELECT (e.payload ->> 'due_at')::timestamptz AS at) due
WHERE e.kind = 'WorkflowFellDue'
"""


@dataclass(frozen=True, slots=True)
class StepRates:
    """Runs and stored steps per second; each trigger stores a step as well."""

    runs_per_s: float
    steps_per_s: float


@dataclass(frozen=True, slots=True)
class SleepFigures:
    """Runs that slept at once, what they cost, and how they woke up."""

    asleep: int
    made_in_s: float
    bytes_each: float
    #: Ascending; by the clock that is read as the timer fires, before it is stored.
    late_s: Sequence[float]
    #: From the last one's due time until all are stored as ended.
    ended_after_s: float

    def late_by(self, share: float) -> float:
        """Return the lateness in seconds that this share of wake-ups kept within."""
        return self.late_s[int((len(self.late_s) - 1) * share)]


class Bench:
    """A shop on a shard of its own."""

    def __init__(self, pool: Pool, tenant: TenantId, channel: ChannelId) -> None:
        self.pool = pool
        self.tenant = tenant
        self._channel = channel
        self._count = 0

    async def start(self, max_resident: int = 100_000) -> Shard:
        """Start a shard that knows the workflows of now."""
        shard = Shard(
            shard=0,
            shards=1,
            journal=PostgresJournal(self.pool),
            responder=NullServices(),
            sender=NullServices(),
            policy=Policy(reply_debounce=timedelta(hours=1)),
            clock=CLOCK,
            max_resident=max_resident,
            worker=DatabaseWorker(StoredRuns(self.pool, CLOCK, 1_000_000)),
            workflows=WorkflowCatalog(StoredWorkflows(self.pool)),
        )
        await shard.start()
        return shard

    async def write(self, shard: Shard, count: int) -> float:
        """Let as many new customers write; return the seconds until all is stored."""
        self._count += count
        return await self.write_again(shard, count, TEXT)

    async def write_again(self, shard: Shard, count: int, text: str) -> float:
        """Let the newest customers write; return the seconds until all is stored."""
        began = time.perf_counter()
        last = self._count + 1
        for start in range(last - count, last, BATCH):
            numbers = range(start, min(last, start + BATCH))
            events = [self._message(number, text) for number in numbers]
            results = await shard.submit(events)
            lost = [one for one in results if not isinstance(one, Receipt)]
            if lost:
                raise lost[0]
        return time.perf_counter() - began

    def _message(self, number: int, text: str) -> CustomerWrote:
        customer = f"customer-{number:07}"
        conversation = derive_conversation_id(self._channel, customer)
        mid = uuid4().hex
        return CustomerWrote(
            id=derive_event_id(conversation, mid),
            conversation_id=conversation,
            at=CLOCK.now(),
            tenant_id=self.tenant,
            channel_id=self._channel,
            source=Source.WEBSITE,
            customer=customer,
            mid=mid,
            text=text.format(number),
        )

    async def activate(self, definitions: Sequence[Definition]) -> None:
        """Have these workflows and no others."""
        await self.pool.execute(
            "UPDATE workflows SET status = 'PAUSED', deleted_at = now()"
        )
        for number, definition in enumerate(definitions):
            await add_workflow(self.pool, self.tenant, definition, f"w{number}")

    async def count_ended(self) -> int:
        """Count the runs that have ended."""
        return int(await self.pool.fetchval(_ENDED))

    async def wait_until_ended(self, count: int) -> None:
        """Wait until so many runs have ended, by polling."""
        await self.wait_for(_ENDED, count)

    async def wait_for(self, query: str, count: int) -> None:
        """Wait until the query counts so many, by polling."""
        while True:
            if await self.pool.fetchval(query) >= count:
                return
            await asyncio.sleep(0.05)


def chain(*nodes: d.ActionNode | d.Condition | d.Waiting) -> Definition:
    """Build a workflow of nodes in a row, which every message begins."""
    names = ["start", *(node.id for node in nodes)]
    connections = tuple(map(Connection, names, names[1:]))
    begin = d.When("start", d.ReceiveMessage())
    return Definition((begin, *nodes), connections)


def build_conditions(count: int) -> list[d.Condition]:
    """Build nodes that each decide something at once."""
    absent = (d.TagClause("vip", has=False),)
    return [d.Condition(f"n{number}", absent) for number in range(count)]


async def measure_steps(bench: Bench, runs: int) -> StepRates:
    """Measure how many steps one shard makes per second."""
    await bench.activate([chain(*build_conditions(INSTANT_NODES))])
    shard, ended = await bench.start(), await bench.count_ended()
    steps = await bench.pool.fetchval(_STEPS)
    began = time.perf_counter()
    await bench.write(shard, runs)
    await bench.wait_until_ended(ended + runs)
    took = time.perf_counter() - began
    await shard.stop()
    steps = await bench.pool.fetchval(_STEPS) - steps
    return StepRates(runs / took, steps / took)


def print_steps(found: StepRates) -> None:
    """Print how many steps one shard makes per second."""
    runs = found.runs_per_s
    print(f"runs of {INSTANT_NODES} instant nodes:        {runs:9.0f} per s")
    print(f"steps:                          {found.steps_per_s:9.0f} per s")


async def measure_ingest(bench: Bench, messages: int, rounds: int) -> None:
    """Print what 50 active workflows, none of which fits, cost a stored message."""
    keyed = [
        Definition(
            (
                d.When(
                    "start",
                    d.ReceiveMessage(
                        keywords=tuple(
                            f"کلید{n * KEYWORDS + k}" for k in range(KEYWORDS)
                        )
                    ),
                ),
            )
        )
        for n in range(WORKFLOWS)
    ]
    rates: dict[int, list[float]] = {0: [], WORKFLOWS: []}
    for _ in range(rounds):
        for count in rates:
            await bench.activate(keyed[:count])
            shard = await bench.start()
            await bench.write(shard, BATCH)
            rates[count].append(messages / await bench.write(shard, messages))
            await shard.stop()
    plain, loaded = (statistics.median(found) for found in rates.values())
    print(f"messages stored, no workflow:   {plain:9.0f} per s")
    print(f"messages stored, {WORKFLOWS} active:     {loaded:9.0f} per s")
    print(f"ratio:                          {loaded / plain:9.2f} (aim: {INGEST_AIM})")


async def measure_sleep(bench: Bench, runs: int, delay_s: int) -> SleepFigures:
    """Measure the memory of sleeping runs, and how late they wake up.

    No other run of this database may have slept.
    """
    delay = d.ActionNode("delay", d.Delay(Duration(delay_s, Unit.SECONDS)))
    await bench.activate([chain(delay)])
    shard, ended = await bench.start(RESIDENT), await bench.count_ended()
    await bench.write(shard, RESIDENT)
    await bench.wait_for(_SLEPT, ended + RESIDENT)
    before = own_bytes()
    began = time.perf_counter()
    await bench.write(shard, runs)
    await bench.wait_for(_SLEPT, ended + RESIDENT + runs)
    took = time.perf_counter() - began
    sleeping = "SELECT count(*) FROM timers WHERE kind = 'workflow'"
    each = (own_bytes() - before) / runs
    armed = await bench.pool.fetchval(sleeping)
    await bench.wait_until_ended(ended + RESIDENT + runs)
    ended_at = CLOCK.now()
    await shard.stop()
    rows = await bench.pool.fetch(_LATE)
    after = ended_at - max(row["due_at"] for row in rows)
    late = sorted(row["late"] for row in rows)
    return SleepFigures(armed, took, each, late, after.total_seconds())


def print_sleep(found: SleepFigures) -> None:
    """Print the memory of sleeping runs, and how late they woke up."""
    print(f"sleeping runs:                  {found.asleep:9}", end=" ")
    print(f"made in {found.made_in_s:.0f} s")
    print(f"bytes of one in memory:         {found.bytes_each:9.0f}")
    p50, p99, most = map(found.late_by, (0.5, 0.99, 1.0))
    print(f"wake-ups late by, p50:          {p50:9.3f} s")
    print(f"wake-ups late by, p99:          {p99:9.3f} s (aim: {LATENESS_AIM_S:g})")
    print(f"wake-ups late by, at most:      {most:9.3f} s")
    print(f"all ended after the last due:   {found.ended_after_s:9.3f} s")


async def run(folder: Path, options: argparse.Namespace) -> None:
    """Measure all three, on a database of their own."""
    setup_logging(folder / "logs", "benchmark")
    dsn = EmbeddedPostgres(folder / "postgres", log_dir=folder / "logs").start()
    await asyncio.to_thread(migrate.upgrade, dsn)
    pool = await open_pool(dsn, max_size=6)
    shop = await add_shop(pool, ChannelKind.WEBSITE, "bench-key")
    bench = Bench(pool, shop.tenant_id, shop.id)
    print_steps(await measure_steps(bench, options.runs))
    await measure_ingest(bench, options.messages, options.rounds)
    print_sleep(await measure_sleep(bench, options.sleepers, options.delay_s))
    await pool.close()


def main() -> None:
    """Read the sizes, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--messages", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sleepers", type=int, default=50_000)
    parser.add_argument("--delay-s", type=int, default=240)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="workflows-") as folder:
        asyncio.run(run(Path(folder), options))


if __name__ == "__main__":
    main()
