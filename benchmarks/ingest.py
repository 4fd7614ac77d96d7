"""Durable webhooks per second, beside the same route answering without storing.

Run it with `python -m benchmarks.ingest`. Each request is a signed Instagram webhook
with one text of a new customer; its 200 means that message, state and timer are
committed. Rounds alternate, so that a noisy machine disturbs both alike; where the
processor time goes stands below, which other programs disturb less than a rate.
"""

import argparse
import os
import statistics
from uuid import uuid4

import psutil
import uvloop

from benchmarks.load import LoadResult, aim, build_webhook, run_load
from benchmarks.processor_time import ProcessorTime, print_table
from benchmarks.runtime import RunningRuntime, started

SECRET = "benchmark"  # noqa: S105 - signs nothing but this run
#: The account of the demo shop: proven, and paused, so that nothing is sent.
ACCOUNT = "17840000000000000"
STORED = "/webhooks/instagram/"
UNSTORED = "/unstored/instagram/"
AIM = 0.85


def prepare(count: int) -> list[bytes]:
    """Sign the requests beforehand: signing is not what is measured."""
    run = uuid4().hex
    return [
        build_webhook(ACCOUNT, f"{run}-{number}", f"{run}-{number}", SECRET)
        for number in range(count)
    ]


def measure(
    runtime: RunningRuntime, path: str, count: int, connections: int
) -> LoadResult:
    """Post `count` fresh webhooks to `path`."""
    return post(runtime, aim(prepare(count), path), connections)


def post(
    runtime: RunningRuntime, webhooks: list[bytes], connections: int
) -> LoadResult:
    """Post prepared webhooks."""
    return uvloop.run(run_load("127.0.0.1", runtime.port, webhooks, connections))


def describe(name: str, results: list[LoadResult]) -> float:
    """Print a row and return the median rate."""
    rate = statistics.median(result.per_second for result in results)
    p50 = statistics.median(result.percentile_ms(0.50) for result in results)
    p99 = statistics.median(result.percentile_ms(0.99) for result in results)
    failures = sum(result.failures for result in results)
    print(f"{name:<24}{rate:>10.0f}{p50:>10.1f}{p99:>10.1f}{failures:>10}")
    return rate


def main() -> None:
    """Start a runtime, load both routes in turn, print both and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=8000)
    parser.add_argument("--connections", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    environment = {
        "PILITO_INSTAGRAM_APP_SECRET": SECRET,
        # Answers come after the run: here only taking messages in is measured.
        "PILITO_REPLY_DEBOUNCE_S": "600",
    }
    with started(environment) as runtime:
        runtime.settle()
        deploy_unstored(runtime)
        for path in (STORED, UNSTORED):
            measure(runtime, path, options.requests // 4, options.connections[0])
        for connections in options.connections:
            compare(runtime, options.requests, connections, options.rounds)


def compare(
    runtime: RunningRuntime, requests: int, connections: int, rounds: int
) -> None:
    """Load both routes in turn; print both and their ratio."""
    results: dict[str, list[LoadResult]] = {STORED: [], UNSTORED: []}
    spent = {path: ProcessorTime() for path in results}
    for _ in range(rounds):
        for path, seen in results.items():
            webhooks = aim(prepare(requests), path)
            with spent[path].counting(runtime, requests):
                seen.append(post(runtime, webhooks, connections))
    title = f"{connections} connections"
    print(f"\n{title:<24}{'per s':>10}{'p50 ms':>10}{'p99 ms':>10}{'failed':>10}")
    without = describe("answered, not stored", results[UNSTORED])
    durable = describe("stored, then answered", results[STORED])
    print(f"ratio: {durable / without:.2f} (aim: {AIM} or better)", flush=True)
    print_table({"stored": spent[STORED], "unstored": spent[UNSTORED]})


def deploy_unstored(runtime: RunningRuntime) -> None:
    """Add the peer to the running runtime."""
    os.environ["RAY_AUTH_MODE"] = "token"
    # Without it Ray takes loopback for the machine's public address.
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    os.environ["RAY_AUTH_TOKEN_PATH"] = str(runtime.data_dir / "ray_token")
    # Imported now: Ray reads its environment when it is imported.
    import ray
    from ray import cloudpickle, serve

    from benchmarks import unstored

    # The runtime's workers do not know the benchmarks: send the code itself.
    cloudpickle.register_pickle_by_value(unstored)  # type: ignore[no-untyped-call]
    ray.init(
        address=find_cluster(runtime.pid),
        namespace="benchmark",
        log_to_driver=False,
        configure_logging=False,
    )
    serve.run(unstored.build(), name="unstored", route_prefix="/unstored")
    ray.shutdown()


def find_cluster(pid: int) -> str:
    """Find the address of a runtime's Ray: its processes are told on their start."""
    for child in psutil.Process(pid).children(recursive=True):
        for argument in child.cmdline():
            if argument.startswith("--gcs-address="):
                return argument.removeprefix("--gcs-address=")
    message = "the runtime has no Ray"
    raise RuntimeError(message)


if __name__ == "__main__":
    main()
