"""The peer's side: the same measures with DBOS, in a process of its own.

Started by `python -m benchmarks.workflow_peer` in an environment that has DBOS; prints
its figures as a line of JSON. Workflows and steps are coroutines: one that is not
`async` holds a thread as long as it sleeps.
"""

import argparse
import asyncio
import gc
import json
import time
from collections.abc import Awaitable, Callable, Iterable

import psutil
import psycopg
from dbos import DBOS, SendMessage, SetWorkflowID

#: Messages that are sent in one transaction; the other side submits as many at once.
BATCH = 256
#: Workflows that are begun at once: with more, DBOS begins fewer per second.
IN_FLIGHT = 64
#: As many as DBOS's connections. Without a limit it starts a thread for each statement
#: that waits for a connection, and does a third less per second.
THREADS = 20
#: As long as no answer comes.
TIMEOUT_S = 3600.0
POLL_S = 0.05
TOPIC = "answer"

_ENDED = "SELECT count(*) FROM dbos.workflow_status WHERE status <> 'PENDING'"
_FAILED = """
SELECT count(*) FROM dbos.workflow_status WHERE status NOT IN ('SUCCESS', 'PENDING')
"""
_SLEPT = """
SELECT count(*) FROM dbos.operation_outputs WHERE function_name = 'DBOS.sleep'
"""
#: DBOS stores the time at which a sleep ends as JSON.
_DUE = """
SELECT workflow_uuid, output::float FROM dbos.operation_outputs
WHERE function_name = 'DBOS.sleep' AND workflow_uuid LIKE 'sleep-%'
"""

#: When each sleep was over, by workflow; the clock is read before anything is stored.
woken: dict[str, float] = {}
#: Released by each workflow that has slept and now waits for an answer.
asking = asyncio.Semaphore(0)


@DBOS.step()
async def check(number: int) -> bool:
    """Decide something at once."""
    return number >= 0


@DBOS.workflow()
async def chain(nodes: int) -> None:
    """Take steps in a row."""
    for number in range(nodes):
        await check(number)


@DBOS.workflow()
async def ask(delay_s: int, nodes: int) -> None:
    """Sleep, wait for an answer, and take steps in a row."""
    await DBOS.sleep_async(delay_s)
    asking.release()
    await DBOS.recv_async(TOPIC, TIMEOUT_S)
    for number in range(nodes):
        await check(number)


@DBOS.workflow()
async def sleep(delay_s: int) -> None:
    """Sleep, and take a step."""
    await DBOS.sleep_async(delay_s)
    woken[str(DBOS.workflow_id)] = time.time()
    await check(0)


async def begin(
    names: Iterable[str], workflow: Callable[..., Awaitable[None]], *arguments: int
) -> None:
    """Begin a workflow for each name."""
    queue = iter(names)

    async def begin_next() -> None:
        for name in queue:
            with SetWorkflowID(name):
                await DBOS.start_workflow_async(workflow, *arguments)

    await asyncio.gather(*(begin_next() for _ in range(IN_FLIGHT)))


async def wait_for(db: psycopg.AsyncConnection, query: str, count: int) -> None:
    """Wait until the database counts so many, by polling, as the other side does.

    Raises:
        RuntimeError: a workflow failed.
    """
    while True:
        if await count_rows(db, query) >= count:
            break
        await asyncio.sleep(POLL_S)
    if await count_rows(db, _FAILED):
        message = "a workflow of the peer failed"
        raise RuntimeError(message)


async def count_rows(db: psycopg.AsyncConnection, query: str) -> int:
    """Return the number that the query counts."""
    row = await (await db.execute(query)).fetchone()
    return int(row[0])


def own_bytes() -> int:
    """Return the memory of this process that no file backs, as the other side does."""
    gc.collect()
    memory = psutil.Process().memory_info()
    return int(memory.rss - getattr(memory, "shared", 0))


async def measure_steps(
    db: psycopg.AsyncConnection, options: argparse.Namespace
) -> float:
    """Measure runs of nothing but steps."""
    ended = await count_rows(db, _ENDED)
    began = time.perf_counter()
    names = (f"steps-{began}-{number}" for number in range(options.runs))
    await begin(names, chain, options.nodes)
    await wait_for(db, _ENDED, ended + options.runs)
    return options.runs / (time.perf_counter() - began)


async def measure_answers(
    db: psycopg.AsyncConnection, options: argparse.Namespace
) -> float:
    """Measure from the answers to runs that have slept and wait, to their ends."""
    ended = await count_rows(db, _ENDED)
    prefix = f"ask-{time.perf_counter()}"
    names = [f"{prefix}-{number}" for number in range(options.runs)]
    await begin(names, ask, options.delay_s, options.nodes)
    for _ in names:
        await asking.acquire()
    began = time.perf_counter()
    for first in range(0, len(names), BATCH):
        answers = [
            SendMessage(name, "44", TOPIC) for name in names[first : first + BATCH]
        ]
        await DBOS.send_bulk_async(answers)
    await wait_for(db, _ENDED, ended + options.runs)
    return options.runs / (time.perf_counter() - began)


async def measure_sleep(
    db: psycopg.AsyncConnection, options: argparse.Namespace
) -> dict[str, float | list[float]]:
    """Measure the memory of sleeping runs, and how late they wake up."""
    ended, slept = await count_rows(db, _ENDED), await count_rows(db, _SLEPT)
    first = map("sleep-0-{}".format, range(options.warm_up))
    await begin(first, sleep, options.delay_s)
    await wait_for(db, _SLEPT, slept + options.warm_up)
    before = own_bytes()
    began = time.perf_counter()
    others = map("sleep-1-{}".format, range(options.runs))
    await begin(others, sleep, options.delay_s)
    await wait_for(db, _SLEPT, slept + options.warm_up + options.runs)
    took = time.perf_counter() - began
    each = (own_bytes() - before) / options.runs
    total = options.warm_up + options.runs
    asleep = total - len(woken)
    await wait_for(db, _ENDED, ended + total)
    ended_at = time.time()
    rows = await (await db.execute(_DUE)).fetchall()
    due = {str(row[0]): float(row[1]) for row in rows}
    return {
        "asleep": asleep,
        "made_in_s": took,
        "bytes_each": each,
        "late_s": sorted(woken[name] - at for name, at in due.items()),
        "ended_after_s": ended_at - max(due.values()),
    }


MEASURES = {"steps": measure_steps, "answers": measure_answers, "sleep": measure_sleep}


async def run(options: argparse.Namespace) -> None:
    """Launch DBOS, and print what the one measure found."""
    DBOS(
        config={
            "name": "peer",
            "system_database_url": f"postgresql+psycopg://{options.address}",
            "max_executor_threads": THREADS,
            "log_level": "WARNING",
        }
    )
    DBOS.launch()
    async with await psycopg.AsyncConnection.connect(
        f"postgresql://{options.address}", autocommit=True
    ) as db:
        print(json.dumps(await MEASURES[options.measure](db, options)))
    DBOS.destroy()


def main() -> None:
    """Read what to measure, and measure it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measure", choices=MEASURES)
    parser.add_argument("address", help="user, database and socket, as in a DSN")
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--nodes", type=int, default=10)
    parser.add_argument("--delay-s", type=int, default=1)
    parser.add_argument("--warm-up", type=int, default=1000)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
