"""H6: strangers hold little memory, and not for long."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from actors.clock import SystemClock
from config.settings import Settings
from deployments.http.requests import Pace
from deployments.integrations.channel_directory import ChannelDirectory
from deployments.integrations.webhooks import build_webhooks_app
from deployments.web import body_limit
from persistence.database import Pool
from persistence.users import User
from tests.support.api import LocalShards, connect
from tests.support.servers.http_server import serving

LARGE = b"x" * (3 * 2**20)
SECRET = "the secret of an app"
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    "path", ["/chat/x", "/api/token/", "/api/knowledge/documents/"]
)
async def test_trust_h6_a_stranger_sends_64_kib_at_most(
    nobody: httpx.AsyncClient, path: str
) -> None:
    answer = await nobody.post(path, content=LARGE)
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"x" * 2**14

    assert (await nobody.post(path, content=parts())).status_code == 413


async def test_trust_h6_a_wrong_token_is_a_strangers(
    nobody: httpx.AsyncClient,
) -> None:
    headers = {"Authorization": "Bearer not.a.token"}
    answer = await nobody.post(
        "/api/knowledge/documents/", content=LARGE, headers=headers
    )
    assert answer.status_code == 413


async def test_trust_h6_large_bodies_are_for_documents(
    client: httpx.AsyncClient,
) -> None:
    document = {
        "source_type": "manual",
        "title": "راهنما",
        # Escaped, it takes more than a megabyte.
        "text": "\U0001f600 " * 100_000,
    }
    answer = await client.post("/api/knowledge/documents/", json=document)
    assert answer.status_code == 201, answer.text
    answer = await client.post("/api/channels/", content=LARGE, headers=JSON)
    assert answer.status_code == 413


class Held:
    """A connection that has begun to send a body, and stops in the middle."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, address: str, path: str) -> "Held":
        host, _, port = address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n"
        writer.write(head.encode() + b"{")
        await writer.drain()
        return cls(reader, writer)

    async def read_status(self) -> bytes:
        line = await asyncio.wait_for(self.reader.readline(), 60)
        rest = await asyncio.wait_for(self.reader.read(), 60)
        assert b"connection: close" in rest.lower()
        self.writer.close()
        return line.split()[1]


async def never_reached(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer what was read whole."""
    await Request(scope, receive).body()
    await PlainTextResponse("read")(scope, receive, send)


async def test_trust_h6_a_body_that_stalls_is_cut_off(app: FastAPI) -> None:
    limit = body_limit.BodyLimit(
        never_reached, app.state.context, Pace(max_pause_s=0.3)
    )
    async with serving(limit) as address:
        held = await Held.open(address, "/api/token/")
        assert await held.read_status() == b"408"


async def test_trust_h6_a_body_that_trickles_is_cut_off(app: FastAPI) -> None:
    pace = Pace(max_pause_s=30, grace_s=0.5, min_bytes_per_s=1_000_000)
    limit = body_limit.BodyLimit(never_reached, app.state.context, pace)
    async with serving(limit) as address:
        held = await Held.open(address, "/api/token/")
        for _ in range(5):
            held.writer.write(b"x")
            await held.writer.drain()
        assert await held.read_status() == b"408"


async def test_trust_h6_open_bodies_are_counted_by_address(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_limit, "MAX_OPEN_PER_ADDRESS", 2)
    arrived = asyncio.Event()
    release = asyncio.Event()
    limit = body_limit.BodyLimit(never_reached, app.state.context, Pace(30, 30))
    statuses: list[int] = []

    async def post(address: str) -> None:
        async def receive() -> dict[str, object]:
            arrived.set()
            await release.wait()
            return {"type": "http.request", "body": b"{}"}

        async def send(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                statuses.append(int(str(message["status"])))

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/api/token/",
            "headers": [],
            "client": (address, 1),
        }
        await limit(scope, receive, send)  # type: ignore[arg-type]

    async with asyncio.TaskGroup() as tasks:
        for _ in range(2):
            tasks.create_task(post("192.0.2.1"))
        await arrived.wait()
        await asyncio.sleep(0)
        await post("192.0.2.1")
        assert statuses == [429]
        tasks.create_task(post("192.0.2.2"))
        release.set()
    assert sorted(statuses) == [200, 200, 200, 429]


async def test_trust_h6_metas_batches_are_taken_and_bounded(pool: Pool) -> None:
    settings = Settings(instagram_app_secret=SecretStr(SECRET))
    shards = LocalShards(pool)
    app = build_webhooks_app(settings, shards, ChannelDirectory(pool), SystemClock())
    for size, status in ((500_000, 200), (2**20 + 1, 413)):
        body = b'{"object":"instagram","entry":[]}'.ljust(size)
        digest = hmac.digest(SECRET.encode(), body, hashlib.sha256).hex()
        headers = {"X-Hub-Signature-256": f"sha256={digest}"}
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://pilito.test"
        ) as meta:
            answer = await meta.post(
                "/webhooks/instagram/", content=body, headers=headers
            )
        assert answer.status_code == status


async def test_trust_h6_a_signed_in_user_uploads_as_before(
    app: FastAPI, alice: User
) -> None:
    files = {"files": ("rules.txt", b"a line of the shop\n" * 40_000)}
    async with connect(app, alice) as client:
        answer = await client.post("/api/knowledge/documents/upload/", files=files)
    assert answer.status_code != 413
