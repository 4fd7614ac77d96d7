"""What one tenant feels of another that floods the runtime.

Run it with `python -m benchmarks.neighbours`. The demo shop is measured on a runtime of
its own, first alone, then beside a tenant that sends messages, checks, analyses,
documents, searches and alerts as fast as they are taken, and lets one conversation's
state grow. Refusals (409, 429, 503) are a part of the flood and are counted. The
platforms are servers of this process: an answer is measured from the customer's message
to its arrival there, an alert from the creation of a service that nobody serves.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx

from benchmarks.flood import QUESTION, Answers, Target, flooding
from benchmarks.runtime import RunningRuntime, started
from persistence.embedded.server import EmbeddedPostgres
from tests.support.servers.graph_server import GraphServer
from tests.support.servers.scripted_server import Call, Reply
from tests.support.servers.telegram_server import TOKEN, TelegramServer
from tests.support.webhooks import sign, text_webhook

SECRET = "benchmark"  # noqa: S105 - signs nothing but this run
PASSWORD = "a password of this run"  # noqa: S105 - of a tenant of this run
MEASURED, FLOODING = "17840000000000001", "17840000000000002"
AIM = 2.0
#: Between two calls of a kind: a shop of some size, far below its quotas.
PAUSE_S = 0.25
#: A service may be checked once in ten seconds: the measured shop has as many.
N_SERVICES = 40
#: What is not there by then is lost. The worst that is promised is far below.
GIVE_UP_S = 60.0
KINDS = ("webhook", "answer", "search", "check", "alert")


class TimedGraph(GraphServer):
    """Notes when the first answer to each customer arrived."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived: dict[str, float] = {}

    def take(self, call: Call, reply: Reply) -> str:
        """Note the call, and the time."""
        n_before = len(self.sends)
        body = super().take(call, reply)
        for send in self.sends[n_before:]:
            self.arrived.setdefault(send.recipient, time.perf_counter())
        return body


class TimedTelegram(TelegramServer):
    """Notes when each text arrived."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived: dict[str, float] = {}

    def take(self, call: Call, reply: Reply) -> str:
        """Note the call, and the time."""
        n_before = len(self.calls)
        body = super().take(call, reply)
        for made in self.calls[n_before:]:
            if "text" in made.payload:
                self.arrived.setdefault(made.text, time.perf_counter())
        return body


@dataclass
class Figures:
    """Seconds of each call by kind, and the calls that came to nothing."""

    seconds: dict[str, list[float]] = field(
        default_factory=lambda: {kind: [] for kind in KINDS}
    )
    lost: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))

    def percentile_ms(self, kind: str, share: float) -> float:
        """Return a percentile in milliseconds; not a number without calls."""
        took = sorted(self.seconds[kind])
        return 1000 * took[int(share * (len(took) - 1))] if took else float("nan")


@dataclass
class Neighbour:
    """The measured shop; each of its kinds has one call under way at most."""

    client: httpx.AsyncClient
    graph: TimedGraph
    telegram: TimedTelegram
    ok_url: str
    services: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    n_checks: int = 0

    async def prepare(self) -> None:
        """Make the services that are checked, and the route of the alerts."""
        channel = await self._post(
            "/api/channels/", {"kind": "telegram", "name": "bot", "bot_token": TOKEN}
        )
        route = {"kind": "telegram", "name": "bot", "chat_id": "1"}
        await self._post(
            "/api/monitor/alert-routes/", {**route, "channel_id": channel["id"]}
        )
        for number in range(N_SERVICES):
            service = await self._post(
                "/api/monitor/services/",
                # Only the services that nobody serves are to alert.
                {"name": f"{number}", "base_url": self.ok_url, "failure_threshold": 20},
            )
            self.services.append(str(service["id"]))

    async def measure(self, seconds: float) -> Figures:
        """Call all kinds side by side for so long."""
        figures = Figures()
        end = time.perf_counter() + seconds
        calls: dict[str, Callable[[Figures], Awaitable[None]]] = {
            "message": self._ask,
            "search": self._search,
            "check": self._check,
            "alert": self._alert,
        }

        async def keep_calling(kind: str) -> None:
            while time.perf_counter() < end:
                await calls[kind](figures)
                await asyncio.sleep(PAUSE_S)

        await asyncio.gather(*(keep_calling(kind) for kind in calls))
        return figures

    async def _ask(self, figures: Figures) -> None:
        """Write as a customer, and wait for the answer."""
        customer = uuid4().hex
        body = text_webhook(MEASURED, customer, f"m_{customer}", QUESTION)
        began = time.perf_counter()
        with suppress(httpx.HTTPError):
            answer = await self.client.post(
                "/webhooks/instagram/", content=body, headers=sign(body, SECRET)
            )
            if answer.is_success:
                self.written.append(customer)
                figures.seconds["webhook"].append(time.perf_counter() - began)
                await _arrival(figures, "answer", began, self.graph.arrived, customer)
                return
        figures.lost["webhook"] += 1

    async def _search(self, figures: Figures) -> None:
        params = {"query": QUESTION}
        await _timed(
            figures, "search", self.client.get("/api/knowledge/search/", params=params)
        )

    async def _check(self, figures: Figures) -> None:
        # In turns, over all phases: a service is checked once in ten seconds.
        service = self.services[self.n_checks % len(self.services)]
        self.n_checks += 1
        path = f"/api/monitor/services/{service}/check/"
        await _timed(figures, "check", self.client.post(path))

    async def _alert(self, figures: Figures) -> None:
        """Add a service that is down, and take it away once that was told."""
        name, began = uuid4().hex, time.perf_counter()
        service = await self._post(
            "/api/monitor/services/",
            {"name": name, "base_url": "http://127.0.0.1:1", "failure_threshold": 1},
        )
        await _arrival(figures, "alert", began, self.telegram.arrived, name)
        await self.client.delete(f"/api/monitor/services/{service['id']}/")

    async def _post(self, path: str, body: object) -> Mapping[str, object]:
        answer = await self.client.post(path, json=body)
        made: dict[str, object] = answer.raise_for_status().json()
        return made


async def _timed(figures: Figures, kind: str, call: Awaitable[httpx.Response]) -> None:
    began = time.perf_counter()
    try:
        answer = await call
    except httpx.HTTPError:
        figures.lost[kind] += 1
        return
    if answer.is_success:
        figures.seconds[kind].append(time.perf_counter() - began)
    else:
        figures.lost[kind] += 1


async def _arrival(
    figures: Figures, kind: str, began: float, arrived: Mapping[str, float], part: str
) -> None:
    """Wait until what holds `part` has arrived."""
    while time.perf_counter() < began + GIVE_UP_S:
        found = next((at for text, at in list(arrived.items()) if part in text), None)
        if found is not None:
            figures.seconds[kind].append(found - began)
            return
        await asyncio.sleep(0.01)
    figures.lost[kind] += 1


async def _answer_200(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        await writer.drain()
    writer.close()


async def _never_answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    with suppress(ConnectionError):
        while await reader.read(4096):
            pass
    writer.close()


@asynccontextmanager
async def _listening() -> AsyncIterator[tuple[str, str]]:
    """Serve two addresses: one that answers 200, and one that never answers."""
    servers = [
        await asyncio.start_server(answer, "127.0.0.1", 0)
        for answer in (_answer_200, _never_answer)
    ]
    ok, silent = (server.sockets[0].getsockname()[1] for server in servers)
    yield f"http://127.0.0.1:{ok}", f"http://127.0.0.1:{silent}"
    for server in servers:
        server.close()


async def _sign_in(
    runtime: RunningRuntime, username: str, password: str
) -> httpx.AsyncClient:
    client = httpx.AsyncClient(
        base_url=runtime.url,
        timeout=GIVE_UP_S,
        limits=httpx.Limits(max_connections=None),
    )
    who = {"username": username, "password": password}
    answer = await client.post("/api/token/", json=who)
    token = answer.raise_for_status().json()["access"]
    client.headers["Authorization"] = f"Bearer {token}"
    return client


async def _connect_account(client: httpx.AsyncClient, account: str) -> None:
    answer = await client.post(
        "/api/channels/",
        json={
            "kind": "instagram",
            "name": account,
            "account_id": account,
            "access_token": f"token of {account}",
        },
    )
    answer.raise_for_status()


async def _count_lost(runtime: RunningRuntime, customers: list[str]) -> int:
    """Return how many of these customers' messages are not stored."""
    dsn = EmbeddedPostgres(runtime.data_dir / "postgres").start()
    connection = await asyncpg.connect(dsn)
    try:
        stored: int = await connection.fetchval(
            "SELECT count(*) FROM customers c JOIN conversations v"
            " ON v.customer_id = c.id JOIN messages m ON m.conversation_id = v.id"
            " WHERE m.type = 'customer' AND c.platform_id = ANY($1::text[])",
            customers,
        )
    finally:
        await connection.close()
    return len(customers) - stored


async def measure(
    runtime: RunningRuntime, graph: TimedGraph, telegram: TimedTelegram, seconds: float
) -> dict[str, object]:
    """Measure alone and beside the flood; print the table and return it."""
    shop = await _sign_in(runtime, "demo", "demo")
    other = await _sign_in(runtime, "flood", PASSWORD)
    async with AsyncExitStack() as stack:
        for client in (shop, other):
            stack.push_async_callback(client.aclose)
        ok_url, silent_url = await stack.enter_async_context(_listening())
        await _connect_account(shop, MEASURED)
        await _connect_account(other, FLOODING)
        neighbour = Neighbour(shop, graph, telegram, ok_url)
        await neighbour.prepare()
        target = Target(
            runtime.url, other.headers["Authorization"], FLOODING, SECRET, silent_url
        )
        print("warming up ...", flush=True)
        await neighbour.measure(min(10.0, seconds))
        print(f"alone for {seconds:.0f} s ...", flush=True)
        alone = await neighbour.measure(seconds)
        async with flooding(target) as answers:
            print(f"beside the flood for {seconds:.0f} s ...", flush=True)
            beside = await neighbour.measure(seconds)
        (flood,) = answers
        lost = await _count_lost(runtime, neighbour.written)
        flood_lost = await _count_lost(runtime, flood.stored)
    return report(alone, beside, flood, lost, flood_lost)


def report(
    alone: Figures, beside: Figures, flood: Answers, lost: int, flood_lost: int
) -> dict[str, object]:
    """Print what was measured; return it for the JSON file."""
    rows: dict[str, dict[str, float]] = {}
    print(f"{'kind':<10}{'alone':>12}{'beside':>12}{'ratio':>8}{'calls':>8}{'lost':>6}")
    for kind in KINDS:
        before, after = (
            figures.percentile_ms(kind, 0.95) for figures in (alone, beside)
        )
        rows[kind] = {
            "alone_p95_ms": before,
            "beside_p95_ms": after,
            "ratio": after / before,
            "calls": len(beside.seconds[kind]),
            "lost": alone.lost[kind] + beside.lost[kind],
        }
        print(
            f"{kind:<10}{before:>9.0f} ms{after:>9.0f} ms{after / before:>8.2f}"
            f"{len(beside.seconds[kind]):>8}{rows[kind]['lost']:>6.0f}"
        )
    print(f"messages answered 200 and not stored: {lost}; of the flood: {flood_lost}")
    print(f"aim: every ratio under {AIM:g}, nothing lost")
    print("the flood, by kind and status:")
    for (kind, status), count in sorted(flood.outcomes.items()):
        print(f"  {kind:<12}{status or 'no answer':>10}{count:>8}")
    outcomes = {f"{kind} {status}": n for (kind, status), n in flood.outcomes.items()}
    return {"kinds": rows, "lost": lost, "flood_lost": flood_lost, "flood": outcomes}


def _create_tenant(runtime: RunningRuntime) -> None:
    """Create the tenant that floods, as its operator would."""
    subprocess.run(
        [
            Path(sys.executable).with_name("pilito"),
            *("createuser", "flood", "--tenant", "flood"),
        ],
        env={
            **os.environ,
            "PILITO_DATA_DIR": str(runtime.data_dir),
            "PILITO_PASSWORD": PASSWORD,
        },
        check=True,
    )


def main() -> None:
    """Start a runtime with two tenants, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each half")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    with TimedGraph() as graph, TimedTelegram() as telegram:
        for account in (MEASURED, FLOODING):
            graph.accounts[f"token of {account}"] = account
        environment = {
            "PILITO_INSTAGRAM_APP_SECRET": SECRET,
            "PILITO_INSTAGRAM_GRAPH_URL": graph.url,
            "PILITO_TELEGRAM_API_URL": telegram.url,
            "PILITO_REPLY_DEBOUNCE_S": "0.2",
        }
        print("starting a runtime ...", flush=True)
        with started(environment) as runtime:
            runtime.settle()
            _create_tenant(runtime)
            figures = asyncio.run(measure(runtime, graph, telegram, options.seconds))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
