"""Signing in, tokens, and what happens after too many attempts."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import jwt
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI

from deployments.accounts import (
    NOBODYS_HASH,
    ForeignAccountError,
    create_account,
    ensure_account,
    hash_password,
    needs_rehash,
)
from deployments.web.api.auth import authenticate
from deployments.web.api.errors import NotSignedInError
from deployments.web.api.people.access import OPEN
from deployments.web.api.tokens import TokenType
from deployments.web.dependencies import WebDependencies
from persistence.database import Pool
from persistence.errors import DuplicateRowError
from persistence.users import User, fetch_user, set_user_active
from tests.support.api import Api, claims_of, connect

PASSWORD = "گذرواژهٔ من"
#: The cheapest parameters there are: these tests are not about the hash's cost.
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
async def sara(api: Api) -> User:
    return await api.add_user("sara", QUICK.hash(PASSWORD))


@pytest.fixture
async def door(app: FastAPI, sara: User) -> AsyncIterator[httpx.AsyncClient]:
    assert sara.is_active
    async with connect(app) as door:
        yield door


async def sign_in(
    door: httpx.AsyncClient, username: str = "sara", password: str = PASSWORD
) -> httpx.Response:
    return await door.post(
        "/api/token/", json={"username": username, "password": password}
    )


async def test_the_right_password_gives_two_tokens_and_the_access_one_opens(
    door: httpx.AsyncClient,
) -> None:
    answer = await sign_in(door)
    assert answer.status_code == 200
    assert set(answer.json()) == {"access", "refresh"}
    headers = {"Authorization": f"Bearer {answer.json()['access']}"}
    assert (await door.get("/api/channels/", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("username", "password"), [("sara", "wrong"), ("nobody", PASSWORD)]
)
async def test_wrong_password_and_unknown_name_are_told_the_same(
    door: httpx.AsyncClient, username: str, password: str
) -> None:
    answer = await sign_in(door, username, password)
    assert answer.status_code == 401
    assert answer.json()["detail"].startswith("No active account")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_a_hash_of_weaker_parameters_is_upgraded_by_the_sign_in(
    door: httpx.AsyncClient, pool: Pool, sara: User
) -> None:
    assert (await sign_in(door)).status_code == 200
    upgraded = await fetch_user(pool, sara.id)
    assert upgraded is not None
    assert upgraded.password_hash != sara.password_hash
    assert not needs_rehash(upgraded.password_hash)
    assert (await sign_in(door)).status_code == 200
    assert await fetch_user(pool, sara.id) == upgraded


async def test_a_wrong_password_upgrades_no_hash(
    door: httpx.AsyncClient, pool: Pool, sara: User
) -> None:
    assert (await sign_in(door, password="wrong")).status_code == 401
    assert await fetch_user(pool, sara.id) == sara


async def test_nobody_waits_for_the_upgrade_of_anothers_hash(
    api: Api, app: FastAPI, door: httpx.AsyncClient, pool: Pool
) -> None:
    reza = await api.add_user("reza", QUICK.hash(PASSWORD))
    context: WebDependencies = app.state.context
    # An upgrade that does not end: sign-ins of others go on, as often as they like.
    async with context.hash_upgrades:
        waiting = asyncio.create_task(sign_in(door, "reza"))
        for _ in range(3):
            assert (await sign_in(door, password="wrong")).status_code == 401
        assert await fetch_user(pool, reza.id) == reza
    assert (await waiting).status_code == 200
    upgraded = await fetch_user(pool, reza.id)
    assert upgraded is not None
    assert not needs_rehash(upgraded.password_hash)


def test_an_unknown_names_check_costs_what_a_real_one_costs() -> None:
    assert not needs_rehash(NOBODYS_HASH)


async def test_a_refresh_token_gives_a_new_access_token_and_opens_nothing_else(
    door: httpx.AsyncClient,
) -> None:
    tokens = (await sign_in(door)).json()
    renewed = await door.post(
        "/api/token/refresh/", json={"refresh": tokens["refresh"]}
    )
    assert renewed.status_code == 200
    headers = {"Authorization": f"Bearer {renewed.json()['access']}"}
    assert (await door.get("/api/channels/", headers=headers)).status_code == 200
    headers = {"Authorization": f"Bearer {renewed.json()['refresh']}"}
    assert (await door.get("/api/channels/", headers=headers)).status_code == 401
    swapped = await door.post("/api/token/refresh/", json={"refresh": tokens["access"]})
    assert swapped.status_code == 401


async def test_a_user_who_was_shut_out_is_out_with_the_next_request(
    door: httpx.AsyncClient, pool: Pool, sara: User
) -> None:
    tokens = (await sign_in(door)).json()
    await set_user_active(pool, sara.id, is_active=False)
    headers = {"Authorization": f"Bearer {tokens['access']}"}
    assert (await door.get("/api/channels/", headers=headers)).status_code == 401
    renewed = await door.post(
        "/api/token/refresh/", json={"refresh": tokens["refresh"]}
    )
    assert renewed.status_code == 401
    assert (await sign_in(door)).status_code == 401


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer x.y.z", "Basic c2FyYTp4", "Bearer é"]
)
async def test_without_a_valid_token_every_route_is_closed(
    nobody: httpx.AsyncClient, header: str
) -> None:
    headers = [(b"Authorization", header.encode("latin-1"))] if header else []
    for path in ("/api/channels/", "/api/conversations/", "/api/knowledge/search/"):
        answer = await nobody.get(path, headers=headers)
        assert answer.status_code == 401, path
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "detail" in answer.json()


async def test_every_api_route_but_signing_in_names_its_lock(app: FastAPI) -> None:
    open_routes = {
        path
        for path, methods in app.openapi()["paths"].items()
        for operation in methods.values()
        if path.startswith("/api/") and "security" not in operation
    }
    assert open_routes <= {path.partition(" ")[2] for path in OPEN}


async def test_forged_and_expired_tokens_are_refused(app: FastAPI, sara: User) -> None:
    context: WebDependencies = app.state.context
    now = datetime.now(UTC)  # noqa: TID251 - the library reads the machine's clock
    expired = context.signer.sign(
        claims_of(sara), TokenType.ACCESS, now - timedelta(hours=1)
    )
    claims = {"sub": str(sara.id), "type": "access", "iat": now}
    claims["exp"] = now + timedelta(hours=1)
    other_key = jwt.encode(claims, "k" * 32, "HS256")
    unsigned = jwt.encode(claims, "", "none")
    for token in (expired, other_key, unsigned, "", "\ud800"):
        with pytest.raises(NotSignedInError):
            await authenticate(context, token, "192.0.2.1")


@pytest.mark.usefixtures("sara")
async def test_too_many_failures_of_an_address_shut_it_for_every_name(
    api: Api,
) -> None:
    api.login_attempts_per_minute = 3
    app = api.build()
    async with connect(app) as door:
        for number in range(3):
            assert (await sign_in(door, f"guess-{number}")).status_code == 401
        assert (await sign_in(door)).status_code == 429
    async with connect(app, address="192.0.2.2") as door:
        assert (await sign_in(door)).status_code == 200


@pytest.mark.usefixtures("sara")
async def test_guesses_that_come_at_once_are_all_counted(api: Api) -> None:
    api.login_attempts_per_minute = 3
    app = api.build()
    async with connect(app) as door:
        answers = await asyncio.gather(
            *(sign_in(door, password=f"guess-{number}") for number in range(20))
        )
    wrong = [answer for answer in answers if answer.status_code == 401]
    assert len(wrong) == 3


@pytest.mark.usefixtures("sara")
async def test_behind_the_local_proxy_the_callers_own_address_counts(
    api: Api,
) -> None:
    api.login_attempts_per_minute = 1
    app = api.build()
    async with connect(app, address="127.0.0.1") as door:
        door.headers["X-Forwarded-For"] = "10.9.9.9, 192.0.2.7"
        assert (await sign_in(door, "a", "x")).status_code == 401
        door.headers["X-Forwarded-For"] = "10.8.8.8, 192.0.2.7"
        assert (await sign_in(door, "b", "x")).status_code == 429
        door.headers["X-Forwarded-For"] = "10.9.9.9, 192.0.2.8"
        assert (await sign_in(door, "c", "x")).status_code == 401


async def test_calls_of_one_user_are_throttled(
    api: Api, alice: User, bob: User
) -> None:
    api.api_calls_per_minute = 2
    app = api.build()
    async with connect(app, alice) as hers, connect(app, bob) as his:
        statuses = [(await hers.get("/api/channels/")).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert (await his.get("/api/channels/")).status_code == 200


async def test_a_redis_that_is_away_fails_no_request(api: Api, alice: User) -> None:
    api.redis_url = "redis://127.0.0.1:1/0"
    api.api_calls_per_minute = 2
    app = api.build()
    async with connect(app, alice) as client:
        statuses = [(await client.get("/api/channels/")).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    await app.state.context.stop()


async def test_an_account_is_made_once(pool: Pool) -> None:
    async with pool.acquire() as connection:
        user = await create_account(connection, "shop", "sara", PASSWORD)
        colleague = await create_account(connection, "shop", "reza", PASSWORD)
        assert colleague.tenant_id == user.tenant_id
        assert await ensure_account(connection, "shop", "sara", PASSWORD) == user
        with pytest.raises(ForeignAccountError):
            await ensure_account(connection, "shop", "sara", "another password")
        with pytest.raises(DuplicateRowError):
            await create_account(connection, "shop", "sara", PASSWORD)


async def test_two_hashes_of_one_password_differ() -> None:
    first, second = await asyncio.gather(hash_password("x"), hash_password("x"))
    assert first.startswith("$argon2id$")
    assert first != second
