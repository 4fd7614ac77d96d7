"""L13: operators talk, owners decide, and a key does what its scopes say."""

from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIWebSocketRoute
from starlette.routing import BaseRoute, Route

from deployments.web.api.errors import (
    RoleNeededError,
    ScopeNeededError,
    SuperuserOnlyError,
)
from deployments.web.api.people.access import ACCESS, OPEN, Rank, check_access
from persistence.api_keys import Scope
from persistence.database import Pool
from persistence.users import Role, User
from tests.house.test_house import ROOT
from tests.support.api import Api, add_channel, connect

NO_ID = "00000000-0000-0000-0000-000000000000"
#: What a stranger sees of the console.
OPEN_PAGES = {
    "GET /",
    "GET /console",
    "GET /console/sign-in",
    "POST /console/sign-in",
    "GET /console/language/{language}",
    "GET /console/assets/{name}",
}


def is_page(route: str) -> bool:
    """Whether the route belongs to the console."""
    path = route.partition(" ")[2]
    return path == "/" or path.startswith("/console")


def walk(routes: list[BaseRoute]) -> Iterator[str]:
    """Yield method and path of every route, also of the routers within."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from walk(inner.routes)
        elif isinstance(route, APIWebSocketRoute):
            yield f"WEBSOCKET {route.path}"
        else:
            assert isinstance(route, Route), f"{route} can't be walked"
            for method in (route.methods or set()) - {"HEAD"}:
                yield f"{method} {route.path}"


def fill(route: str) -> tuple[str, str]:
    """Return method and path, with an id of nothing in place of each parameter."""
    method, _, path = route.partition(" ")
    parts = (NO_ID if part.startswith("{") else part for part in path.split("/"))
    return method, "/".join(parts)


@pytest.fixture
async def operator(api: Api, alice: User) -> User:
    return await api.add_user("omid", role=Role.OPERATOR, tenant_id=alice.tenant_id)


def test_trust_l13_every_route_declares_who_may_call_it(app: FastAPI) -> None:
    # Pages are locked by the session's cookie: see below.
    routes = {one for one in walk(app.router.routes) if not is_page(one)}
    assert len(routes) > 50
    assert sorted(routes - ACCESS.keys() - OPEN) == []
    # A row that no route has would hide a slip of the pen.
    assert sorted((ACCESS.keys() | OPEN) - routes) == []
    assert not ACCESS.keys() & OPEN


async def test_trust_l13_every_page_of_the_console_asks_for_the_sign_in(
    app: FastAPI,
) -> None:
    pages = {one for one in walk(app.router.routes) if is_page(one)} - OPEN_PAGES
    assert len(pages) > 20
    async with connect(app) as client:
        for route in pages - {"WEBSOCKET /console/live"}:
            method, path = fill(route.replace("{view}", "mine"))
            answer = await client.request(method, path)
            assert answer.status_code == 303, route
            assert answer.headers["location"].startswith("/console/sign-in"), route


def test_trust_l13_every_declared_route_has_its_lock(app: FastAPI) -> None:
    locked = {
        f"{method.upper()} {path}"
        for path, methods in app.openapi()["paths"].items()
        for method, operation in methods.items()
        if "security" in operation
    }
    assert locked == {route for route in ACCESS if not route.startswith("WEBSOCKET")}


async def test_trust_l13_an_operator_is_told_the_role_that_each_route_needs(
    app: FastAPI, operator: User, pool: Pool
) -> None:
    refused = 0
    async with connect(app, operator) as client:
        for route, access in ACCESS.items():
            if route.startswith("WEBSOCKET") or route == "POST /api/logout/":
                continue
            method, path = fill(route)
            answer = await client.request(method, path)
            if access.rank is Rank.OPERATOR:
                assert answer.status_code not in {401, 403}, route
                continue
            refused += 1
            assert answer.status_code == 403, route
            named = "owner" if access.rank is Rank.OWNER else "superuser"
            assert named in answer.json()["detail"], route
    assert refused > 20
    assert await pool.fetchval("SELECT count(*) FROM users") == 2


async def test_trust_l13_an_owner_is_refused_what_concerns_the_runtime(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    assert app.title
    for route, access in ACCESS.items():
        if route.startswith("WEBSOCKET") or route == "POST /api/logout/":
            continue
        method, path = fill(route)
        status = (await client.request(method, path)).status_code
        assert (status == 403) == (access.rank is Rank.SUPERUSER), route


async def test_trust_l13_operators_work_and_leave_the_channels_alone(
    api: Api, app: FastAPI, alice: User, operator: User
) -> None:
    channel = await add_channel(app, alice.tenant_id)
    document = {"source_type": "faq", "title": "ارسال", "text": "دو روز."}
    async with connect(app, operator) as client:
        for path in ("/api/conversations/", "/api/customers/", "/api/channels/"):
            assert (await client.get(path)).status_code == 200, path
        written = await client.post("/api/knowledge/documents/", json=document)
        assert written.status_code == 201
        changed = await client.patch(
            f"/api/channels/{channel.id}/", json={"is_paused": True}
        )
        assert changed.status_code == 403
        assert changed.json()["detail"] == (
            "This needs the role owner. Ask an owner of your business."
        )
        told = await client.patch("/api/tenant/", json={"instructions": "x"})
        assert told.status_code == 403
    assert api.shards.events == []


def test_trust_l13_a_route_that_nobody_declared_is_left_to_superusers() -> None:
    with pytest.raises(SuperuserOnlyError):
        check_access("GET /api/new/", Rank.OWNER, None)
    with pytest.raises(ScopeNeededError):
        check_access("GET /api/new/", Rank.SUPERUSER, set(Scope))
    check_access("GET /api/new/", Rank.SUPERUSER, None)


def test_trust_l13_a_key_needs_its_scope_and_the_role_of_its_maker() -> None:
    reading = {Scope.CONVERSATIONS_READ}
    check_access("GET /api/conversations/", Rank.OPERATOR, reading)
    with pytest.raises(ScopeNeededError, match="customers:read"):
        check_access("GET /api/customers/", Rank.OWNER, reading)
    with pytest.raises(ScopeNeededError, match="sign in as a person"):
        check_access("GET /api/users/", Rank.OWNER, set(Scope))
    with pytest.raises(RoleNeededError, match="owner"):
        check_access(
            "POST /api/monitor/services/", Rank.OPERATOR, {Scope.MONITOR_WRITE}
        )


def test_trust_l13_every_scope_is_documented() -> None:
    page = (ROOT / "docs" / "accounts.md").read_text(encoding="utf-8")
    assert [scope for scope in Scope if f"`{scope}`" not in page] == []
