"""Measures other numbers of shards, and the cost of an actor per conversation.

Run it with `python -m benchmarks.shards`. Ingest is measured as `benchmarks.ingest`
does, on a runtime of its own for each number of shards. The other design is measured in
its cheapest form: a Ray actor that holds the rules and a number, and writes nothing.
"""

import argparse
import time
from typing import TYPE_CHECKING, cast

import psutil

from benchmarks.footprint import proportional_bytes
from benchmarks.ingest import SECRET, STORED, describe, measure
from benchmarks.runtime import started

if TYPE_CHECKING:
    from ray.actor import ActorHandle

#: The factor for the cost of one actor: a shop's conversations of a few months.
CONVERSATIONS = 100_000


def measure_ingest(shards: int, requests: int, connections: int, rounds: int) -> None:
    """Start a runtime with that many shards, and print what it takes in."""
    environment = {
        "PILITO_INSTAGRAM_APP_SECRET": SECRET,
        "PILITO_REPLY_DEBOUNCE_S": "600",
        "PILITO_SHARDS": str(shards),
    }
    with started(environment) as runtime:
        runtime.settle()
        measure(runtime, STORED, requests // 4, connections)
        loads = [measure(runtime, STORED, requests, connections) for _ in range(rounds)]
    describe(f"{shards} shards", loads)


def measure_actors(count: int) -> None:
    """Start an actor per conversation, and print what one of them takes."""
    # Imported now: the runtimes above come first, and set what Ray reads.
    import ray

    class Conversation:
        """The smallest thing that could be an actor of its own."""

        def __init__(self) -> None:
            # The rules, which whoever is to decide has to load.
            from actors.conversation.rules.decide import decide

            self._decide = decide
            self._events = 0

        def record(self) -> int:
            """Count an event."""
            self._events += 1
            return self._events

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    actor = ray.remote(num_cpus=0)(Conversation)
    # The first one pays for what all of them share.
    first = cast("ActorHandle[object]", actor.remote())
    ray.get(first.record.remote())
    before = worker_bytes()
    began = time.perf_counter()
    actors = [cast("ActorHandle[object]", actor.remote()) for _ in range(count)]
    ray.get([handle.record.remote() for handle in actors])
    each_s = (time.perf_counter() - began) / count
    each_mb = (worker_bytes() - before) / count / 1e6
    ray.shutdown()
    print(f"\nmemory of one actor:       {each_mb:10.1f} MB")
    print(f"start of one, {count:>3} at once:  {each_s:10.2f} s")
    print(f"memory of {CONVERSATIONS}:       {each_mb * CONVERSATIONS / 1e6:10.1f} TB")
    print(f"start of {CONVERSATIONS}:        {each_s * CONVERSATIONS / 3600:10.1f} h")


def worker_bytes() -> int:
    """Return the memory of Ray's workers; what n of them share counts 1/n in each."""
    children = psutil.Process().children(recursive=True)
    return sum(
        proportional_bytes(child.pid)
        for child in children
        if "ray::" in " ".join(child.cmdline())
    )


def main() -> None:
    """Measure each number of shards, then the other design."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--requests", type=int, default=8000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--actors", type=int, default=16, help="0 for none")
    options = parser.parse_args()
    if options.shards:
        print(f"{'ingest':<24}{'per s':>10}{'p50 ms':>10}{'p99 ms':>10}{'failed':>10}")
    for shards in options.shards:
        measure_ingest(shards, options.requests, options.connections, options.rounds)
    if options.actors:
        measure_actors(options.actors)


if __name__ == "__main__":
    main()
