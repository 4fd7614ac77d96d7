"""The same steps, waits and delays as durable workflows of DBOS; run by its own Python.

Prints one line of JSON. Each workflow is a coroutine of this process, as DBOS keeps it.
"""

import asyncio
import json
import os
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

from dbos import DBOS, DBOSConfig, SetWorkflowID, WorkflowHandleAsync

#: Starts that are under way at once.
BATCH = 256
NODES = 10
ANSWER_LIMIT_S = 600.0
LATE_S: list[float] = []

Workflow: TypeAlias = Callable[..., Coroutine[Any, Any, None]]
Handle: TypeAlias = WorkflowHandleAsync[None]


def own_bytes() -> int:
    """Return the memory of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@DBOS.step()
async def look(number: int) -> bool:
    """Judge a condition."""
    return number >= 0


@DBOS.workflow()
async def walk() -> None:
    """Go through instant steps."""
    for number in range(NODES):
        await look(number)


@DBOS.workflow()
async def ask() -> None:
    """Ask, wait for the answer, and note it."""
    await look(0)
    answer = await DBOS.recv_async("answer", timeout_seconds=ANSWER_LIMIT_S)
    await look(len(answer))


@DBOS.workflow()
async def delay(due_at: float) -> None:
    """Sleep until a moment, in seconds of the epoch, then go on."""
    await DBOS.sleep_async(due_at - time.time())
    LATE_S.append(time.time() - due_at)
    await look(0)


async def begin(workflow: Workflow, count: int, *values: float) -> list[Handle]:
    """Begin as many workflows; return their handles."""
    handles = []
    for start in range(0, count, BATCH):
        handles += await asyncio.gather(
            *(begin_one(workflow, *values) for _ in range(min(BATCH, count - start)))
        )
    return handles


async def begin_one(workflow: Workflow, *values: float) -> Handle:
    """Begin a workflow."""
    with SetWorkflowID(str(uuid4())):
        return await DBOS.start_workflow_async(workflow, *values)


async def finish(handles: list[Handle]) -> None:
    """Wait until all have ended."""
    await asyncio.gather(*(handle.get_result() for handle in handles))


async def measure(
    runs: int, waits: int, sleepers: int, delay_s: int
) -> dict[str, object]:
    """Measure all three."""
    await finish(await begin(walk, BATCH))
    began = time.perf_counter()
    await finish(await begin(walk, runs))
    steps = runs * NODES / (time.perf_counter() - began)
    began = time.perf_counter()
    handles = await begin(ask, waits)
    for start in range(0, waits, BATCH):
        await asyncio.gather(
            *(
                DBOS.send_async(handle.workflow_id, "42", "answer")
                for handle in handles[start : start + BATCH]
            )
        )
    await finish(handles)
    answered = waits / (time.perf_counter() - began)
    before = own_bytes()
    handles = await begin(delay, sleepers, time.time() + delay_s)
    each = (own_bytes() - before) / sleepers
    await finish(handles)
    return {
        "steps_per_s": steps,
        "waits_per_s": answered,
        "bytes_each": each,
        "late_s": sorted(LATE_S),
    }


def main() -> None:
    """Read the sizes, measure, print."""
    config: DBOSConfig = {
        "name": "peer",
        "system_database_url": os.environ["PEER_DSN"],
        "sys_db_pool_size": 6,
        "log_level": "ERROR",
    }
    DBOS(config=config)
    sizes = json.loads(os.environ["PEER_SIZES"])

    async def run() -> None:
        DBOS.launch()
        print(json.dumps(await measure(**sizes)))

    asyncio.run(run())
    DBOS.destroy()


if __name__ == "__main__":
    main()
