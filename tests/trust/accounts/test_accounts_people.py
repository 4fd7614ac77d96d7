"""H5: owners handle the people of their business, by invitations and roles."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from actors.clock import SystemClock
from deployments.web.api.people.invitations import MAX_INVITATIONS
from persistence.database import Pool
from persistence.users import Role, User, fetch_user
from tests.support.api import Api, connect
from tests.support.clock import FakeClock
from tests.trust.accounts.people import HASH, PASSWORD, call, sign_in


@pytest.fixture
async def omid(api: Api, alice: User) -> User:
    """An operator of alice's."""
    return await api.add_user(
        "omid", HASH, role=Role.OPERATOR, tenant_id=alice.tenant_id
    )


@pytest.fixture
async def door(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with connect(app) as door:
        yield door


async def invite(client: httpx.AsyncClient, role: str = "operator") -> dict[str, str]:
    answer = await client.post("/api/users/", json={"role": role, "note": "Omid"})
    assert answer.status_code == 201, answer.text
    invitation: dict[str, str] = answer.json()
    return invitation


async def accept(
    door: httpx.AsyncClient, token: str, username: str = "reza"
) -> httpx.Response:
    body = {"token": token, "username": username, "password": PASSWORD}
    return await door.post("/api/invitations/accept/", json=body)


async def test_trust_h5_a_person_joins_by_a_link_that_is_good_once(
    client: httpx.AsyncClient, door: httpx.AsyncClient, pool: Pool, alice: User
) -> None:
    invitation = await invite(client)
    assert invitation["link"].endswith(f"/invitation#{invitation['token']}")
    listed = (await client.get("/api/invitations/")).json()
    assert listed["count"] == 1
    assert invitation["token"] not in str(listed)
    joined = await accept(door, invitation["token"])
    assert joined.status_code == 201, joined.text
    row = await pool.fetchrow("SELECT tenant_id, role FROM users WHERE username='reza'")
    assert row is not None
    assert tuple(row) == (alice.tenant_id, "operator")
    assert await call(door, joined.json()["access"]) == 200
    assert (await sign_in(door, "reza")).status_code == 200
    assert (await accept(door, invitation["token"], "another")).status_code == 404
    assert (await client.get("/api/invitations/")).json()["count"] == 0
    # The database has no link to steal.
    kept = await pool.fetchval("SELECT count(*) FROM invitations")
    assert kept == 0


async def test_trust_h5_a_taken_name_leaves_the_invitation_as_it_was(
    client: httpx.AsyncClient, door: httpx.AsyncClient, omid: User
) -> None:
    token = (await invite(client))["token"]
    assert (await accept(door, token, omid.username)).status_code == 409
    assert (await accept(door, token, "reza")).status_code == 201


async def test_trust_h5_of_two_who_accept_at_once_one_joins(
    client: httpx.AsyncClient, door: httpx.AsyncClient
) -> None:
    token = (await invite(client))["token"]
    answers = await asyncio.gather(accept(door, token, "a"), accept(door, token, "b"))
    assert sorted(answer.status_code for answer in answers) == [201, 404]


async def test_trust_h5_invitations_that_are_made_at_once_are_all_counted(
    client: httpx.AsyncClient,
) -> None:
    body = {"role": "operator"}
    made = await asyncio.gather(
        *(client.post("/api/users/", json=body) for _ in range(MAX_INVITATIONS + 5))
    )
    assert [answer.status_code for answer in made].count(201) == MAX_INVITATIONS


async def test_trust_h5_an_invitation_expires_and_can_be_taken_back(
    api: Api, alice: User
) -> None:
    api.clock = clock = FakeClock(SystemClock().now())
    app = api.build()
    async with connect(app, alice) as client, connect(app) as door:
        back = await invite(client)
        taken = await client.delete(f"/api/invitations/{back['id']}/")
        assert taken.status_code == 204
        assert (await accept(door, back["token"])).status_code == 404
        late = await invite(client)
        clock.advance(timedelta(days=3, seconds=1))
        assert (await accept(door, late["token"])).status_code == 404


@pytest.mark.parametrize("left", ["is_active = false", "role = 'operator'"])
async def test_trust_h5_an_owner_who_left_does_not_return_by_a_link(
    client: httpx.AsyncClient, door: httpx.AsyncClient, pool: Pool, left: str
) -> None:
    token = (await invite(client, "owner"))["token"]
    await pool.execute(f"UPDATE users SET {left}")  # noqa: S608 - a constant above
    assert (await accept(door, token)).status_code == 404


async def test_trust_h5_an_owner_disables_and_enables_a_person(
    client: httpx.AsyncClient, door: httpx.AsyncClient, omid: User
) -> None:
    access = (await sign_in(door, "omid")).json()["access"]
    path = f"/api/users/{omid.id}/"
    disabled = await client.patch(path, json={"is_active": False})
    assert disabled.status_code == 200
    assert not disabled.json()["is_active"]
    assert await call(door, access) == 401
    assert (await sign_in(door, "omid")).status_code == 401
    assert (await client.patch(path, json={"is_active": True})).status_code == 200
    # Tokens of before stay invalid.
    assert await call(door, access) == 401
    assert (await sign_in(door, "omid")).status_code == 200
    assert (await client.delete(path)).status_code == 204
    assert (await sign_in(door, "omid")).status_code == 401
    assert (await client.get("/api/users/")).json()["count"] == 1


async def test_trust_h5_a_role_counts_from_the_next_call(
    client: httpx.AsyncClient, door: httpx.AsyncClient, omid: User
) -> None:
    access = (await sign_in(door, "omid")).json()["access"]
    assert await call(door, access, "/api/users/") == 403
    await client.patch(f"/api/users/{omid.id}/", json={"role": "owner"})
    assert await call(door, access, "/api/users/") == 200
    await client.patch(f"/api/users/{omid.id}/", json={"role": "operator"})
    assert await call(door, access, "/api/users/") == 403


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("PATCH", {"role": "operator"}),
        ("PATCH", {"is_active": False}),
        ("DELETE", None),
    ],
)
async def test_trust_h5_a_business_keeps_its_last_owner(
    api: Api,
    app: FastAPI,
    client: httpx.AsyncClient,
    alice: User,
    omid: User,
    method: str,
    body: dict[str, object] | None,
) -> None:
    assert omid.role is Role.OPERATOR
    # A disabled owner is none who could sign in.
    gone = await api.add_user("gone", tenant_id=alice.tenant_id)
    off = await client.patch(f"/api/users/{gone.id}/", json={"is_active": False})
    assert off.status_code == 200
    path = f"/api/users/{alice.id}/"
    refused = await client.request(method, path, json=body)
    assert refused.status_code == 409
    assert await fetch_user(api.pool, alice.id) == alice
    on = await client.patch(f"/api/users/{gone.id}/", json={"is_active": True})
    assert on.status_code == 200
    assert (await client.request(method, path, json=body)).status_code in {200, 204}
    assert app.title


async def test_trust_h5_two_owners_who_demote_each_other_leave_one(
    api: Api, app: FastAPI, client: httpx.AsyncClient, alice: User, pool: Pool
) -> None:
    other = await api.add_user("zahra", tenant_id=alice.tenant_id)
    demotion = {"role": "operator"}
    async with connect(app, other) as theirs:
        answers = await asyncio.gather(
            client.patch(f"/api/users/{other.id}/", json=demotion),
            theirs.patch(f"/api/users/{alice.id}/", json=demotion),
        )
    assert sorted(answer.status_code for answer in answers) in ([200, 403], [200, 409])
    owners = "SELECT count(*) FROM users WHERE role = 'owner'"
    assert await pool.fetchval(owners) == 1


async def test_trust_h5_an_owner_does_not_touch_a_superuser_nor_another_business(
    api: Api, client: httpx.AsyncClient, alice: User, bob: User
) -> None:
    root = await api.add_user("root", is_superuser=True, tenant_id=alice.tenant_id)
    off = {"is_active": False}
    assert (await client.patch(f"/api/users/{root.id}/", json=off)).status_code == 403
    assert (await client.delete(f"/api/users/{root.id}/")).status_code == 403
    assert (await client.patch(f"/api/users/{bob.id}/", json=off)).status_code == 404
    assert (await client.delete(f"/api/users/{bob.id}/")).status_code == 404
    assert await fetch_user(api.pool, bob.id) == bob


async def test_trust_h5_the_form_of_an_invitation_is_served(
    nobody: httpx.AsyncClient,
) -> None:
    page = await nobody.get("/invitation")
    assert page.status_code == 200
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "api/invitations/accept/" in page.text
