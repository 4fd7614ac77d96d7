"""A real runtime for the tests that need one: started once, with a fake Graph."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest

from benchmarks.runtime import RunningRuntime, started
from persistence.database import Pool, open_pool
from persistence.embedded import EmbeddedPostgres
from tests.support.graph_server import GraphServer

APP_SECRET = "the app's secret"
VERIFY_TOKEN = "the verify token"
ACCOUNT = "17841400000000001"
#: Longer than it takes to kill the shards and have them back.
SHARE_TIMEOUT = timedelta(seconds=8)


@dataclass(frozen=True, slots=True)
class Shop:
    """The demo shop on a running runtime, its account connected to a fake Graph."""

    runtime: RunningRuntime
    graph: GraphServer
    api: httpx.Client


@pytest.fixture(scope="session")
def graph() -> Iterator[GraphServer]:
    with GraphServer() as server:
        yield server


@pytest.fixture(scope="session")
def shop(graph: GraphServer) -> Iterator[Shop]:
    environment = {
        "PILITO_INSTAGRAM_APP_SECRET": APP_SECRET,
        "PILITO_INSTAGRAM_VERIFY_TOKEN": VERIFY_TOKEN,
        "PILITO_INSTAGRAM_GRAPH_URL": graph.url,
        "PILITO_REPLY_DEBOUNCE_S": "0.5",
        # More than one, so that each has to know its own conversations.
        "PILITO_SHARDS": "2",
        "PILITO_SHARE_TIMEOUT_S": str(SHARE_TIMEOUT.total_seconds()),
    }
    with started(environment) as runtime, runtime.sign_in() as api:
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
        yield Shop(runtime, graph, api)


@pytest.fixture
async def rows(shop: Shop) -> AsyncIterator[Pool]:
    """Connections to the runtime's own database."""
    dsn = EmbeddedPostgres(shop.runtime.data_dir / "postgres").start()
    pool = await open_pool(dsn)
    yield pool
    await pool.close()
