"""H5: a sign-in ends when it must, with its tokens and its open windows."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from deployments.web.api.tokens import TokenType
from deployments.web.dependencies import WebDependencies
from persistence.database import Pool
from persistence.sessions import MAX_SESSIONS_PER_USER
from persistence.users import User
from tests.support.api import Api, claims_of, connect
from tests.support.live import Follower, LiveApi
from tests.trust.accounts.people import (
    HASH,
    NEW_PASSWORD,
    PASSWORD,
    call,
    refresh,
    sign_in,
)

#: What the issue promises for open windows.
LIMIT_S = 5.0


@pytest.fixture
async def sara(api: Api) -> User:
    return await api.add_user("sara", HASH)


@pytest.fixture
async def door(app: FastAPI, sara: User) -> AsyncIterator[httpx.AsyncClient]:
    assert sara.is_active
    async with connect(app) as door:
        yield door


async def change_password(door: httpx.AsyncClient, access: str) -> httpx.Response:
    return await door.post(
        "/api/password/",
        json={"old_password": PASSWORD, "new_password": NEW_PASSWORD},
        headers={"Authorization": f"Bearer {access}"},
    )


async def log_out(
    door: httpx.AsyncClient, access: str, *, everywhere: bool = False
) -> None:
    answer = await door.post(
        "/api/logout/",
        json={"everywhere": everywhere},
        headers={"Authorization": f"Bearer {access}"},
    )
    assert answer.status_code == 204


async def test_trust_h5_a_changed_password_ends_all_tokens_of_before(
    door: httpx.AsyncClient,
) -> None:
    thief = (await sign_in(door)).json()
    mine = (await sign_in(door)).json()
    changed = await change_password(door, mine["access"])
    assert changed.status_code == 200, changed.text
    for tokens in (thief, mine):
        assert await call(door, tokens["access"]) == 401
        assert (await refresh(door, tokens["refresh"])).status_code == 401
    # Whoever changed it goes on, and signs in with the new one.
    assert await call(door, changed.json()["access"]) == 200
    assert (await refresh(door, changed.json()["refresh"])).status_code == 200
    assert (await sign_in(door)).status_code == 401
    assert (await sign_in(door, password=NEW_PASSWORD)).status_code == 200


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("not the password", NEW_PASSWORD, "old_password"),
        (PASSWORD, "nine char", "new_password"),
        (PASSWORD, " " * 12, "new_password"),
    ],
)
async def test_trust_h5_a_password_is_changed_only_by_its_owner_and_to_a_good_one(
    door: httpx.AsyncClient, old: str, new: str, named: str
) -> None:
    access = (await sign_in(door)).json()["access"]
    refused = await door.post(
        "/api/password/",
        json={"old_password": old, "new_password": new},
        headers={"Authorization": f"Bearer {access}"},
    )
    assert refused.status_code == 422
    assert named in refused.json()["detail"]
    assert await call(door, access) == 200
    assert (await sign_in(door)).status_code == 200


async def test_trust_h5_guessing_the_old_password_is_throttled(
    api: Api, sara: User
) -> None:
    api.login_attempts_per_minute = 3
    async with connect(api.build(), sara) as door:
        body = {"old_password": "a guess", "new_password": NEW_PASSWORD}
        statuses = [
            (await door.post("/api/password/", json=body)).status_code for _ in range(4)
        ]
    assert statuses == [422, 422, 422, 429]


async def test_trust_h5_a_refresh_token_is_good_once_and_its_copy_ends_the_sign_in(
    door: httpx.AsyncClient,
) -> None:
    first = (await sign_in(door)).json()
    other = (await sign_in(door)).json()
    second = (await refresh(door, first["refresh"])).json()
    assert second["refresh"] != first["refresh"]
    assert (await refresh(door, first["refresh"])).status_code == 401
    # Neither the thief nor the person goes on: the person signs in again.
    assert (await refresh(door, second["refresh"])).status_code == 401
    assert await call(door, first["access"]) == 401
    assert await call(door, second["access"]) == 401
    # Another sign-in of the same person has nothing to do with it.
    assert await call(door, other["access"]) == 200


async def test_trust_h5_of_two_refreshes_at_once_one_wins_and_both_end(
    door: httpx.AsyncClient,
) -> None:
    first = (await sign_in(door)).json()
    answers = await asyncio.gather(*(refresh(door, first["refresh"]) for _ in range(5)))
    won = [answer.json() for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    assert await call(door, won[0]["access"]) == 401


async def test_trust_h5_a_log_out_ends_this_sign_in_and_with_everywhere_all(
    door: httpx.AsyncClient,
) -> None:
    one, two, three = [(await sign_in(door)).json() for _ in range(3)]
    await log_out(door, one["access"])
    assert await call(door, one["access"]) == 401
    assert (await refresh(door, one["refresh"])).status_code == 401
    assert await call(door, two["access"]) == 200
    await log_out(door, two["access"], everywhere=True)
    for tokens in (two, three):
        assert await call(door, tokens["access"]) == 401
        assert (await refresh(door, tokens["refresh"])).status_code == 401


async def test_trust_h5_tokens_of_before_sessions_are_refused(
    app: FastAPI, door: httpx.AsyncClient, sara: User, pool: Pool
) -> None:
    context: WebDependencies = app.state.context
    at = context.clock.now()
    token = context.signer.sign(claims_of(sara), TokenType.ACCESS, at)
    assert await call(door, token) == 200
    await pool.execute("UPDATE users SET session_version = session_version + 1")
    assert await call(door, token) == 401
    await pool.execute("UPDATE users SET session_version = 0")
    await pool.execute("DELETE FROM sessions")
    assert await call(door, token) == 401


async def test_trust_h5_sign_ins_do_not_pile_up(
    api: Api, sara: User, pool: Pool
) -> None:
    api.login_attempts_per_minute = 1000
    await pool.execute(
        "INSERT INTO sessions SELECT gen_random_uuid(), tenant_id, id, '',"
        " now() - n * interval '1 hour', now() + (25 - n) * interval '1 day'"
        " FROM users, generate_series(0, 59) n"
    )
    async with connect(api.build()) as door:
        assert (await sign_in(door)).status_code == 200
    count = await pool.fetchval(
        "SELECT count(*) FROM sessions WHERE user_id = $1", sara.id
    )
    assert count <= MAX_SESSIONS_PER_USER
    assert not await pool.fetchval(
        "SELECT count(*) FROM sessions WHERE expires_at < now()"
    )


Ending = Callable[[httpx.AsyncClient, Pool, str], Awaitable[object]]


async def _log_out(door: httpx.AsyncClient, _: Pool, access: str) -> None:
    await log_out(door, access)


async def _change(door: httpx.AsyncClient, _: Pool, access: str) -> None:
    assert (await change_password(door, access)).status_code == 200


async def _disable(_: httpx.AsyncClient, pool: Pool, __: str) -> None:
    await pool.execute("UPDATE users SET is_active = false WHERE username = 'sara'")


async def _remove(_: httpx.AsyncClient, pool: Pool, __: str) -> None:
    await pool.execute("DELETE FROM users WHERE username = 'sara'")


@pytest.mark.parametrize("end", [_log_out, _change, _disable, _remove])
async def test_trust_h5_open_windows_close_within_five_seconds(
    live: LiveApi, door: httpx.AsyncClient, pool: Pool, alice: User, end: Ending
) -> None:
    # Nothing but the notification can be so quick: the next look is half a minute off.
    assert live.app.state.context.inbox_feed.limits.recheck > timedelta(seconds=20)
    access = (await sign_in(door)).json()["access"]
    async with live.open(token=access) as socket, live.follow(alice):
        window = Follower(socket)
        assert (await window.read_frame())["type"] == "welcome"
        await end(door, pool, access)
        async with asyncio.timeout(LIMIT_S):
            await window.read_to_the_end()
        assert (socket.close_code, socket.close_reason) == (4401, "sign in again")
        # The window of somebody else stays open.
        assert await call(door, access) == 401
