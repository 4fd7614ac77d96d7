"""Pilito's workflows beside those of DBOS, which is durable by PostgreSQL as well.

Run it with `python -m benchmarks.workflow_peer`. Both work in one process each, by
turns, on two databases of one embedded PostgreSQL. DBOS (see `runs.py`) is installed
apart, into `var/workflow_peer`.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from actors.workflow import definition as d
from actors.workflow.definition import Duration, Unit
from benchmarks.peers.environment import install
from benchmarks.workflows import (
    INSTANT_NODES,
    RESIDENT,
    Bench,
    SleepFigures,
    build_conditions,
    chain,
    measure_sleep,
    measure_steps,
)
from config.logging import setup_logging
from persistence import migrate
from persistence.channels import ChannelKind
from persistence.database import Pool, open_pool
from persistence.embedded.server import EmbeddedPostgres
from tests.support.website import add_shop

HERE = Path(__file__).parent
HOME = Path("var/workflow_peer")
DATABASE = "peer"
#: Of the runs that then wait for an answer.
SHORT_DELAY_S = 1
ANSWER = "44"

_RATE = TypeAdapter(float)
_SLEEP = TypeAdapter(SleepFigures)
_ASKED = """
SELECT count(*) FROM workflow_runs WHERE status = 'running' AND waiting_for = 'ask'
"""

NOTES = """
Alike: one process each, by turns on the same machine and PostgreSQL; a delay is stored
with the time of its end, and each message before it is acted on. Lateness is read from
the clock as a run wakes up, before anything of that is stored; "all ended" is read once
the last end is stored. Memory is what no file backs, by its growth.

Not alike, for Pilito: a workflow of DBOS is code, and each step a function with a
transaction of its own. Ours is data: a chain of conditions is decided in memory and
committed at once, together with other runs of that moment. A step that works outside,
a webhook say, costs us transactions of its own as well; none is here.
Not alike, for DBOS: each run and each answer of ours is a customer's message. It is
stored as well, with its conversation, its event and what each step decided.
Sleep: a run of DBOS is a coroutine in its process until it ends; ours is a row, and a
timer of its shard. DBOS can delay a workflow without a coroutine, but only its begin.
Each side makes its runs at its own speed, and they wake up at that speed later.
DBOS gets as many threads as connections: that is faster here than its own default.
"""


@dataclass(frozen=True, slots=True)
class Peer:
    """DBOS: its interpreter, and the address of its database."""

    python: Path
    address: str

    async def measure(self, measure: str, **options: int) -> bytes:
        """Measure in a process of its own, and return its JSON; see `runs.py`.

        Raises:
            ChildProcessError: the peer failed.
        """
        words = [
            f"--{name.replace('_', '-')}={number}" for name, number in options.items()
        ]
        process = await asyncio.create_subprocess_exec(
            *(str(self.python), "runs.py", measure, self.address, *words),
            cwd=HERE,
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
        if process.returncode:
            message = f"DBOS could not measure {measure}: {process.returncode}"
            raise ChildProcessError(message)
        return output.splitlines()[-1]

    async def measure_rate(self, measure: str, runs: int) -> float:
        """Measure runs per second."""
        found = await self.measure(
            measure, runs=runs, nodes=INSTANT_NODES, delay_s=SHORT_DELAY_S
        )
        return _RATE.validate_json(found)

    async def measure_sleep(self, runs: int, delay_s: int) -> SleepFigures:
        """Measure sleeping runs."""
        found = await self.measure(
            "sleep", runs=runs, delay_s=delay_s, warm_up=RESIDENT
        )
        return _SLEEP.validate_json(found)


async def measure_answers(bench: Bench, runs: int) -> float:
    """Measure the answers to waiting runs, each to its run's end, per second."""
    delay = d.ActionNode("delay", d.Delay(Duration(SHORT_DELAY_S, Unit.SECONDS)))
    ask = d.Waiting("ask", "سایز شما؟", "size", d.AnswerKind.NUMBER)
    await bench.activate([chain(delay, ask, *build_conditions(INSTANT_NODES))])
    shard, ended = await bench.start(), await bench.count_ended()
    await bench.write(shard, runs)
    await bench.wait_for(_ASKED, runs)
    began = time.perf_counter()
    await bench.write_again(shard, runs, ANSWER)
    await bench.wait_until_ended(ended + runs)
    took = time.perf_counter() - began
    await shard.stop()
    return runs / took


@dataclass(frozen=True, slots=True)
class Found:
    """What one side was measured at."""

    runs_per_s: float
    answers_per_s: float
    sleep: SleepFigures


async def measure(
    bench: Bench, peer: Peer, options: argparse.Namespace
) -> tuple[Found, Found]:
    """Measure DBOS and Pilito, one after the other in each round."""
    # First, while this process is as new as the peer's.
    sleeps = (
        await peer.measure_sleep(options.sleepers, options.delay_s),
        await measure_sleep(bench, options.sleepers, options.delay_s),
    )
    if min(one.asleep for one in sleeps) < RESIDENT + options.sleepers:
        print("Some woke up before all slept: raise --delay-s.")
    steps: tuple[list[float], list[float]] = [], []
    answers: tuple[list[float], list[float]] = [], []
    for _ in range(options.rounds):
        steps[0].append(await peer.measure_rate("steps", options.runs))
        steps[1].append((await measure_steps(bench, options.runs)).runs_per_s)
        answers[0].append(await peer.measure_rate("answers", options.runs))
        answers[1].append(await measure_answers(bench, options.runs))
    theirs, ours = (
        Found(statistics.median(steps[side]), statistics.median(answers[side]), sleep)
        for side, sleep in enumerate(sleeps)
    )
    return theirs, ours


@dataclass(frozen=True, slots=True)
class Figure:
    """A line of the table; `power` is 1 where more is better, -1 where less is."""

    name: str
    value: float
    power: int
    digits: int = 0


def list_figures(found: Found) -> tuple[Figure, ...]:
    """List the lines of one side."""
    steps, answers, sleep = found.runs_per_s, found.answers_per_s, found.sleep
    made = sleep.asleep - RESIDENT
    p50, p99 = (1000 * sleep.late_by(share) for share in (0.5, 0.99))
    return (
        Figure(f"runs of {INSTANT_NODES} steps, per s", steps, 1),
        Figure("steps, per s", INSTANT_NODES * steps, 1),
        Figure(f"answers, each with {INSTANT_NODES} steps behind, per s", answers, 1),
        Figure("runs asleep at once", sleep.asleep, 0),
        Figure("runs put to sleep, per s", made / sleep.made_in_s, 1),
        Figure("bytes of a sleeping run in memory", sleep.bytes_each, -1),
        Figure("wake-ups late by, p50, ms", p50, -1, 1),
        Figure("wake-ups late by, p99, ms", p99, -1, 1),
        Figure("all ended after the last due time, in s", sleep.ended_after_s, -1, 2),
    )


def print_table(theirs: Found, ours: Found) -> None:
    """Print both sides and their ratios; above 1, Pilito does better."""
    heading = "ratio above 1: Pilito does better"
    print(f"\n{heading:<46}{'DBOS':>9}{'Pilito':>9}{'ratio':>7}")
    for left, right in zip(list_figures(theirs), list_figures(ours), strict=True):
        print(f"{left.name:<46}", end="")
        print(f"{left.value:9,.{left.digits}f}", end="")
        print(f"{right.value:9,.{right.digits}f}", end="")
        is_compared = left.power and min(left.value, right.value) > 0
        ratio = (right.value / left.value) ** left.power if is_compared else None
        print("" if ratio is None else f"{ratio:7.2g}")
    print(NOTES)


async def open_bench(dsn: str) -> tuple[Pool, Bench]:
    """Make the databases of both sides, and a shop in ours."""
    await asyncio.to_thread(migrate.upgrade, dsn)
    pool = await open_pool(dsn, max_size=6)
    await pool.execute(f"CREATE DATABASE {DATABASE}")
    shop = await add_shop(pool, ChannelKind.WEBSITE, "bench-key")
    return pool, Bench(pool, shop.tenant_id, shop.id)


async def run(folder: Path, options: argparse.Namespace) -> None:
    """Measure both on one server, and print them."""
    python = install(HERE / "requirements.txt", HOME) / "python"
    setup_logging(folder / "logs", "benchmark")
    server = EmbeddedPostgres(folder / "postgres", log_dir=folder / "logs")
    dsn = server.start()
    try:
        pool, bench = await open_bench(dsn)
        parts = urlsplit(dsn)
        peer = Peer(python, f"{parts.username}@/{DATABASE}?{parts.query}")
        print_table(*await measure(bench, peer, options))
        await pool.close()
    finally:
        server.stop()


def main() -> None:
    """Read the sizes, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sleepers", type=int, default=2000)
    parser.add_argument("--delay-s", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="workflow-peer-") as folder:
        asyncio.run(run(Path(folder), options))


if __name__ == "__main__":
    main()
