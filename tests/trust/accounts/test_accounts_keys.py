"""H5: programs call with keys that are hashed, scoped, limited and can be revoked."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from actors.clock import SystemClock
from deployments.web.api import auth
from deployments.web.api.people.keys import MAX_KEYS
from persistence.database import Pool
from persistence.users import User
from tests.support.api import Api, connect
from tests.support.clock import FakeClock
from tests.support.live import Follower, LiveApi
from tests.support.servers.http_server import open_socket
from tests.trust.accounts.people import call


async def make_key(client: httpx.AsyncClient, *scopes: str) -> dict[str, str]:
    answer = await client.post("/api/keys/", json={"name": "shop", "scopes": scopes})
    assert answer.status_code == 201, answer.text
    made: dict[str, str] = answer.json()
    return made


async def test_trust_h5_a_key_is_shown_once_and_kept_as_a_hash(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    made = await make_key(client, "conversations:read")
    assert made["key"].startswith(made["prefix"])
    listed = (await client.get("/api/keys/")).text
    assert made["prefix"] in listed
    assert made["key"] not in listed
    row = await pool.fetchval("SELECT api_keys::text FROM api_keys")
    assert made["key"] not in row


async def test_trust_h5_a_key_does_what_its_scopes_say_and_no_more(
    client: httpx.AsyncClient, nobody: httpx.AsyncClient
) -> None:
    key = (await make_key(client, "conversations:read"))["key"]
    assert await call(nobody, key, "/api/conversations/") == 200
    for path in ("/api/customers/", "/api/knowledge/documents/", "/api/users/"):
        assert await call(nobody, key, path) == 403, path
    made = await nobody.post(
        "/api/keys/",
        json={"name": "more", "scopes": ["monitor:write"]},
        headers={"Authorization": f"Bearer {key}"},
    )
    assert made.status_code == 403
    assert (await client.get("/api/keys/")).json()["results"][0]["last_used_at"]


async def test_trust_h5_a_key_ends_when_it_is_revoked_and_with_its_maker(
    client: httpx.AsyncClient, nobody: httpx.AsyncClient, pool: Pool
) -> None:
    first = await make_key(client, "channels:read")
    second = await make_key(client, "channels:read")
    path = "/api/channels/"
    assert (await client.delete(f"/api/keys/{first['id']}/")).status_code == 204
    assert await call(nobody, first["key"], path) == 401
    assert (await client.delete(f"/api/keys/{first['id']}/")).status_code == 404
    assert await call(nobody, second["key"], path) == 200
    await pool.execute("UPDATE users SET is_active = false")
    assert await call(nobody, second["key"], path) == 401
    await pool.execute("UPDATE users SET is_active = true")
    await pool.execute("DELETE FROM users")
    assert await call(nobody, second["key"], path) == 401


async def test_trust_h5_a_key_can_no_more_than_its_maker_can_now(
    client: httpx.AsyncClient, nobody: httpx.AsyncClient, pool: Pool
) -> None:
    key = (await make_key(client, "monitor:read", "monitor:write"))["key"]
    await pool.execute("UPDATE users SET role = 'operator'")
    assert await call(nobody, key, "/api/monitor/services/") == 200
    service = {"name": "api", "base_url": "http://127.0.0.1:9"}
    headers = {"Authorization": f"Bearer {key}"}
    refused = await nobody.post("/api/monitor/services/", json=service, headers=headers)
    assert refused.status_code == 403
    assert "owner" in refused.json()["detail"]


async def test_trust_h5_a_key_expires(api: Api, alice: User) -> None:
    api.clock = clock = FakeClock(SystemClock().now())
    app = api.build()
    ends = clock.now() + timedelta(hours=1)
    body = {"name": "a", "scopes": ["channels:read"], "expires_at": ends.isoformat()}
    async with connect(app, alice) as client, connect(app) as program:
        key = (await client.post("/api/keys/", json=body)).json()["key"]
        assert await call(program, key, "/api/channels/") == 200
        clock.advance(timedelta(hours=1))
        assert await call(program, key, "/api/channels/") == 401
        past = await client.post("/api/keys/", json=body)
        assert past.status_code == 422


@pytest.mark.parametrize(
    "ends",
    ["9999-12-31T23:59:59-23:00", "0001-01-01T00:00:00+23:00", "2001-01-01T00:00:00Z"],
)
async def test_trust_h5_a_key_ends_at_a_time_that_can_be_meant(
    client: httpx.AsyncClient, ends: str
) -> None:
    body = {"name": "a", "scopes": ["channels:read"], "expires_at": ends}
    refused = await client.post("/api/keys/", json=body)
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith("expires_at: ")


async def test_trust_h5_a_key_has_a_limit_of_its_own(api: Api, alice: User) -> None:
    api.api_calls_per_minute = 3
    app = api.build()
    async with connect(app, alice) as client, connect(app) as program:
        key = (await make_key(client, "channels:read"))["key"]
        path = "/api/channels/"
        statuses = [await call(program, key, path) for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        # The person goes on: a program that runs wild does not shut them out.
        assert (await client.get(path)).status_code == 200


async def test_trust_h5_a_business_has_a_limited_number_of_keys(
    client: httpx.AsyncClient,
) -> None:
    for _ in range(MAX_KEYS):
        await make_key(client, "channels:read")
    body = {"name": "one more", "scopes": ["channels:read"]}
    refused = await client.post("/api/keys/", json=body)
    assert refused.status_code == 409
    assert str(MAX_KEYS) in refused.json()["detail"]


async def test_trust_h5_keys_that_are_made_at_once_are_all_counted(
    client: httpx.AsyncClient,
) -> None:
    body = {"name": "shop", "scopes": ["channels:read"]}
    made = await asyncio.gather(
        *(client.post("/api/keys/", json=body) for _ in range(MAX_KEYS + 5))
    )
    assert [answer.status_code for answer in made].count(201) == MAX_KEYS


@pytest.mark.parametrize("key", ["pk_", "pk_x", "pk_\x00", "pk_é"])
async def test_trust_h5_an_invented_key_opens_nothing(
    nobody: httpx.AsyncClient, key: str
) -> None:
    headers = [(b"Authorization", f"Bearer {key}".encode("latin-1"))]
    answer = await nobody.get("/api/channels/", headers=headers)
    assert answer.status_code == 401


async def test_trust_l12_invented_keys_are_throttled_by_address(
    app: FastAPI, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "MAX_FAILED_KEYS", 3)
    path, key = "/api/channels/", (await make_key(client, "channels:read"))["key"]
    async with connect(app, address="192.0.2.66") as guesser:
        statuses = [
            await call(guesser, f"pk_{number:043}", path) for number in range(5)
        ]
        assert statuses == [401, 401, 401, 429, 429]
    async with connect(app, address="192.0.2.67") as program:
        assert await call(program, key, path) == 200


async def test_trust_h5_another_business_sees_and_revokes_no_key(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, nobody: httpx.AsyncClient
) -> None:
    made = await make_key(client, "channels:read")
    assert (await stranger.get("/api/keys/")).json()["count"] == 0
    assert (await stranger.delete(f"/api/keys/{made['id']}/")).status_code == 404
    assert await call(nobody, made["key"], "/api/channels/") == 200


async def test_trust_h5_a_revoked_key_closes_the_window_of_its_program(
    live: LiveApi, client: httpx.AsyncClient
) -> None:
    made = await make_key(client, "conversations:read")
    url = f"ws://{live.address}/ws/conversations/"
    headers = {"Authorization": f"Bearer {made['key']}"}
    async with open_socket(url, headers=headers) as socket:
        window = Follower(socket)
        assert (await window.read_frame())["type"] == "welcome"
        await client.delete(f"/api/keys/{made['id']}/")
        async with asyncio.timeout(5):
            await window.read_to_the_end()
        assert socket.close_code == 4401


async def test_trust_h5_a_key_in_an_address_and_one_without_its_scope_are_refused(
    live: LiveApi, client: httpx.AsyncClient
) -> None:
    made = await make_key(client, "channels:read")
    url = f"ws://{live.address}/ws/conversations/"
    headers = {"Authorization": f"Bearer {made['key']}"}
    for opening, code in (
        (live.open(token=made["key"]), 4401),
        (open_socket(url, headers=headers), 4403),
    ):
        async with opening as socket:
            await Follower(socket).read_to_the_end()
            assert socket.close_code == code
