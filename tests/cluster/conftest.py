"""A real runtime for the tests that need one, with all that it can be given.

It is started once: a start costs half a minute, and most of these tests ask nothing of
it that another one takes away. Each finds it in good health and leaves it so.
"""

import asyncio
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from deployments.integrations.website.visitors import hash_visitor
from persistence.database import Pool, open_pool
from persistence.embedded.server import EmbeddedPostgres
from tests.support.servers.graph_server import GraphServer
from tests.support.servers.http_server import ANSWER_S
from tests.support.servers.pilito import PilitoProcess
from tests.support.servers.telegram_server import TelegramServer
from tests.support.servers.valkey import Valkey
from tests.support.waiting import describe

APP_SECRET = "the app's secret"
VERIFY_TOKEN = "the verify token"
ACCOUNT = "17841400000000001"
BOT_TOKEN = "424242:AAH-token-of-the-bot-of-these-tests"
SHARE_TIMEOUT = timedelta(seconds=8)
#: More than one, so that each has to know its own conversations.
SHARDS = 2
#: How often services are watched. Seconds stand last in a cron of six fields.
CRON = "* * * * * */10"
INTERVAL = timedelta(seconds=10)
#: Parts are killed here, and are back in up to half a minute on two idle cores.
TIMEOUT_S = 120.0
#: What a stop is promised to take at most.
MAX_STOP_S = 15.0


@dataclass(frozen=True, slots=True)
class Shop:
    """The demo shop on a running runtime, its account connected to a fake Graph."""

    runtime: PilitoProcess
    #: What it said while it started.
    greeting: str
    #: How long its start took: a part of it that is killed is back sooner.
    start_s: float
    graph: GraphServer
    telegram: TelegramServer
    redis: Valkey
    api: httpx.Client

    def get(self, path: str, **params: str) -> httpx.Response:
        """Ask as somebody who is not signed in."""
        url = f"{self.runtime.url}{path}"
        return httpx.get(url, params=params, timeout=ANSWER_S)

    @property
    def website(self) -> dict[str, str]:
        """The channel of the shop's website."""
        channels = self.api.get("/api/channels/").json()["results"]
        (website,) = [one for one in channels if one["kind"] == "website"]
        return dict(website)

    def make_visitor(self) -> dict[str, str]:
        """Ask for a visitor, as the page does."""
        path = f"/webhooks/website/{self.website['channel_key']}/visitors/"
        made = httpx.post(f"{self.runtime.url}{path}", json={}, timeout=ANSWER_S)
        assert made.status_code == httpx.codes.CREATED, made.text
        return dict(made.json())

    def renew_visitor_secret(self) -> str:
        """Return a new secret of the shop's website, once the webhooks know it."""
        website = self.website
        renewed = self.api.post(f"/api/channels/{website['id']}/visitor-secret/")
        secret = str(renewed.json()["visitor_secret"])
        path = f"/webhooks/website/{website['channel_key']}/visitors/"
        url, visitor = f"{self.runtime.url}{path}", "visitor-of-the-shop"
        body = {
            "visitor_id": visitor,
            "visitor_hash": hash_visitor(secret, visitor),
        }
        wait_until(lambda: httpx.post(url, json=body, timeout=ANSWER_S).is_success)
        return secret

    def is_answering(self, path: str = "/healthz") -> bool:
        """Return whether it answers, and well."""
        try:
            return self.get(path).is_success
        except httpx.TransportError:
            return False

    def wait_until_parts(self, status: str, *names: str) -> None:
        """Wait until `/readyz` is well, and says this of these parts.

        Who asks for the health waits two seconds for it: on a machine that stops for
        longer, a part that works is late.
        """
        ready: httpx.Response | None = None

        def are_so() -> bool:
            nonlocal ready
            ready = self.get("/readyz")
            parts = ready.json()
            return ready.is_success and all(
                parts[name]["status"] == status for name in names
            )

        wait_until(are_so, last_value=lambda: ready and ready.text)


def wait_until(
    holds: Callable[[], bool],
    within_s: float = TIMEOUT_S,
    last_value: Callable[[], object] | None = None,
) -> None:
    """Wait for a change that no event reports, by polling."""
    give_up_at = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > give_up_at:
            seen = last_value() if last_value else describe(holds)
            pytest.fail(f"after {within_s:g} s: {seen}")
        time.sleep(0.05)


@pytest.fixture(scope="session")
def graph() -> Iterator[GraphServer]:
    with GraphServer() as server:
        server.accounts["the token"] = ACCOUNT
        yield server


@pytest.fixture(scope="session")
def telegram() -> Iterator[TelegramServer]:
    with TelegramServer(BOT_TOKEN) as server:
        yield server


@pytest.fixture(scope="session")
def redis() -> Iterator[Valkey]:
    valkey = Valkey()
    asyncio.run(valkey.start())
    yield valkey
    asyncio.run(valkey.stop())


@pytest.fixture(scope="session")
def shop(graph: GraphServer, telegram: TelegramServer, redis: Valkey) -> Iterator[Shop]:
    environment = {
        "PILITO_INSTAGRAM_APP_SECRET": APP_SECRET,
        "PILITO_INSTAGRAM_VERIFY_TOKEN": VERIFY_TOKEN,
        "PILITO_INSTAGRAM_GRAPH_URL": graph.url,
        "PILITO_TELEGRAM_API_URL": telegram.url,
        "PILITO_REDIS_URL": redis.url,
        # Parts are killed under more load than a shop has in a minute.
        "PILITO_ANSWERS_PER_MINUTE": "10000",
        "PILITO_REPLY_DEBOUNCE_S": "0.5",
        "PILITO_SHARDS": str(SHARDS),
        "PILITO_SHARE_TIMEOUT_S": str(SHARE_TIMEOUT.total_seconds()),
        "PILITO_HEALTH_INTERVAL_CRON": CRON,
    }
    with (
        tempfile.TemporaryDirectory(prefix="shop-") as folder,
        PilitoProcess(
            Path(folder) / "var", "--demo", environment=environment
        ) as runtime,
    ):
        begun = time.monotonic()
        runtime.wait_until_it_says()
        start_s = time.monotonic() - begun
        greeting = runtime.output
        with runtime.sign_in() as api:
            answer = api.post(
                "/api/channels/",
                json={
                    "kind": "instagram",
                    "name": "shop",
                    "account_id": ACCOUNT,
                    "access_token": "the token",
                },
            )
            assert answer.status_code == httpx.codes.CREATED, answer.text
            yield Shop(runtime, greeting, start_s, graph, telegram, redis, api)
        # Whatever was done to it, it stops as it should.
        code, seconds = runtime.stop(signal.SIGINT)
        assert code == 0, runtime.output
        assert seconds < MAX_STOP_S
        assert runtime.find_remains() == []


@pytest.fixture
async def rows(shop: Shop) -> AsyncIterator[Pool]:
    """Connections to the runtime's own database."""
    dsn = EmbeddedPostgres(shop.runtime.data_dir / "postgres").start()
    pool = await open_pool(dsn)
    yield pool
    await pool.close()
