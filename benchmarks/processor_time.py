"""Which processes a webhook's processor time goes to.

It hardly depends on what else the machine does, where a rate does: what two runs differ
by here is what they differ by.
"""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

from benchmarks.footprint import family_of
from benchmarks.runtime import RunningRuntime

#: What a process's command line holds, and what it is called here; the first counts.
PARTS = {
    "ServeReplica:webhooks": "webhooks",
    "ServeReplica:unstored": "webhooks",
    "ConversationShard": "shard",
    "postgres": "postgres",
    "haproxy": "haproxy",
    "raylet": "raylet",
    "gcs_server": "gcs",
}
OTHERS = "others of the runtime"
LOAD = "load generator"


@dataclass(slots=True)
class ProcessorTime:
    """Seconds of processor time by part, over so many webhooks."""

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    webhooks: int = 0

    @contextmanager
    def counting(self, runtime: RunningRuntime, webhooks: int) -> Iterator[None]:
        """Add what is spent in the block, which posts so many webhooks."""
        before = _spent(runtime)
        yield
        after = _spent(runtime)
        self.webhooks += webhooks
        for part, seconds in after.items():
            self.seconds[part] += seconds - before[part]

    def per_webhook_us(self) -> Mapping[str, float]:
        """Return microseconds per webhook by part."""
        return {
            part: 1e6 * seconds / self.webhooks
            for part, seconds in self.seconds.items()
        }


def print_table(columns: Mapping[str, ProcessorTime]) -> None:
    """Print a row per part, a column per route, and their sums."""
    costs = [column.per_webhook_us() for column in columns.values()]
    print("".join([f"\n{'us of processor time':<24}", *(f"{n:>12}" for n in columns)]))
    for part in (*dict.fromkeys(PARTS.values()), OTHERS, LOAD):
        print(f"{part:<24}" + "".join(f"{cost.get(part, 0):>12.0f}" for cost in costs))
    sums = [sum(cost.values()) for cost in costs]
    print(f"{'sum':<24}" + "".join(f"{total:>12.0f}" for total in sums), flush=True)


def _spent(runtime: RunningRuntime) -> dict[str, float]:
    spent: dict[str, float] = defaultdict(float)
    for process in family_of(runtime.pid, runtime.data_dir):
        try:
            times, words = process.cpu_times(), " ".join(process.cmdline())
        except psutil.Error:
            continue
        spent[_part_of(words)] += times.user + times.system
    own = os.times()
    spent[LOAD] = own.user + own.system
    return spent


def _part_of(words: str) -> str:
    program = words.split(" ", 1)[0].rpartition("/")[2]
    for mark, part in PARTS.items():
        # Ray's processes carry names of their own; of the others the program tells.
        if words.startswith(f"ray::{mark}") or program.startswith(mark):
            return part
    return OTHERS
