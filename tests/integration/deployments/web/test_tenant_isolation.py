"""Fault X2, for every route at once: a tenant reaches nothing of another's."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from actors.conversation.rules.policy import Policy
from deployments.web.api.people.access import OPEN
from persistence.channels import ChannelKind
from persistence.database import Pool
from persistence.ids import derive_customer_id
from persistence.users import User
from tests.integration.deployments.web.api.test_feedback import PoliteResponder
from tests.support.api import (
    BASE_URL,
    Api,
    LocalShards,
    add_channel,
    write_as_customer,
)
from tests.support.monitors import running_monitor
from tests.support.waiting import wait_for_count
from tests.support.walking.principals import KNOWN, PRINCIPALS, Principal

Call = tuple[str, str]
#: A body that the route takes, by method and path; most take none.
BODIES: dict[Call, object] = {
    ("patch", "/api/channels/{channel_id}/"): {"name": "taken"},
    ("put", "/api/knowledge/documents/{document_id}/"): {
        "source_type": "faq",
        "title": "taken",
        "text": "taken",
    },
    ("patch", "/api/knowledge/documents/{document_id}/"): {"title": "taken"},
    ("post", "/api/conversations/{conversation_id}/messages/"): {"content": "taken"},
    ("post", "/api/conversations/{conversation_id}/redirect/"): {"destination": "ai"},
    ("post", "/api/conversations/{conversation_id}/status/"): {"status": "closed"},
    ("post", "/api/conversations/{conversation_id}/ai/"): {"ai_enabled": False},
    ("post", "/api/conversations/{conversation_id}/read/"): {"position": 0},
    ("post", "/api/conversations/{conversation_id}/assign/"): {"user_id": None},
    ("post", "/api/conversations/{conversation_id}/snooze/"): {"until": None},
    ("post", "/api/conversations/{conversation_id}/notes/"): {"content": "taken"},
    ("post", "/api/messages/{message_id}/feedback/"): {"feedback": "positive"},
    ("patch", "/api/customers/{customer_id}/"): {"notes": "taken"},
    ("put", "/api/monitor/services/{service_id}/"): {
        "name": "taken",
        "base_url": "http://127.0.0.1:9",
    },
    ("patch", "/api/monitor/services/{service_id}/"): {"name": "taken"},
    ("patch", "/api/monitor/alert-routes/{route_id}/"): {"enabled": False},
    ("patch", "/api/users/{user_id}/"): {"role": "operator"},
}


@pytest.fixture
async def api(pool: Pool) -> AsyncIterator[Api]:
    at_once = Policy(reply_debounce=timedelta(0))
    shards = LocalShards(pool, responder=PoliteResponder(), policy=at_once)
    await shards.shard.start()
    async with running_monitor(pool) as monitor:
        yield Api(pool, shards, monitor=monitor)
    await shards.shard.stop()


@pytest.fixture(params=KNOWN)
def principal(request: pytest.FixtureRequest) -> Principal:
    """Every kind of caller, in the strangers' tenant."""
    return PRINCIPALS[request.param]


@pytest.fixture
async def stranger(
    api: Api, app: FastAPI, bob: User, principal: Principal
) -> AsyncIterator[httpx.AsyncClient]:
    headers = await principal.add(api, app, bob.tenant_id)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url=BASE_URL, headers=headers
    ) as client:
        yield client


@pytest.fixture
async def ids(
    api: Api, app: FastAPI, client: httpx.AsyncClient, pool: Pool, alice: User
) -> dict[str, str]:
    """One thing of each kind that belongs to alice, by the name of its parameter."""
    channel = await add_channel(app, alice.tenant_id, ChannelKind.INSTAGRAM, "178")
    conversation = await write_as_customer(api, channel, "ig-1", "سلام")
    await wait_for_count(pool, "SELECT count(*) FROM messages WHERE type = 'AI'", 1)
    upload = await client.post(
        "/api/knowledge/documents/upload/",
        files=[("files", ("ارسال.txt", "دو روز.".encode()))],
    )
    document = upload.json()["results"][0]["document"]
    message = await pool.fetchval("SELECT id FROM messages WHERE type = 'AI'")
    people = await people_ids(api, client, alice)
    return (
        people
        | await watched_ids(client, pool)
        | {
            "channel_id": str(channel.id),
            "conversation_id": str(conversation),
            "customer_id": str(derive_customer_id(channel.id, "ig-1")),
            "document_id": document["id"],
            "message_id": str(message),
            "version": "1",
        }
    )


async def people_ids(
    api: Api, client: httpx.AsyncClient, alice: User
) -> dict[str, str]:
    """A colleague of alice's, an invitation and a key."""
    colleague = await api.add_user("colleague", tenant_id=alice.tenant_id)
    invitation = await client.post("/api/users/", json={"role": "operator"})
    key = await client.post(
        "/api/keys/", json={"name": "key", "scopes": ["channels:read"]}
    )
    return {
        "user_id": str(colleague.id),
        "invitation_id": invitation.json()["id"],
        "key_id": key.json()["id"],
    }


async def watched_ids(client: httpx.AsyncClient, pool: Pool) -> dict[str, str]:
    """Something of the monitor's of each kind."""
    service = await client.post(
        "/api/monitor/services/",
        json={"name": "api", "base_url": "https://api.example"},
    )
    service_id = service.json()["id"]
    result = (await client.post(f"/api/monitor/services/{service_id}/check/")).json()
    # As if ten seconds had passed: the owner may check again.
    await pool.execute("UPDATE service_states SET asked_at = NULL")
    route = await client.post(
        "/api/monitor/alert-routes/",
        json={"kind": "webhook", "name": "hook", "url": "http://127.0.0.1:9/"},
    )
    window = await client.post(
        "/api/monitor/maintenance/",
        json={"starts_at": "2026-01-01T00:00:00Z", "ends_at": "2026-01-02T00:00:00Z"},
    )
    await pool.execute(
        "INSERT INTO alerts (id, tenant_id, kind, text, created_at)"
        " SELECT gen_random_uuid(), tenant_id, 'down', 'x', now() FROM services"
    )
    return {
        "service_id": service_id,
        "result_id": result["id"],
        "route_id": route.json()["id"],
        "window_id": window.json()["id"],
    }


def list_operations(app: FastAPI) -> list[Call]:
    paths: dict[str, dict[str, object]] = app.openapi()["paths"]
    return [(method, path) for path, methods in paths.items() for method in methods]


async def test_x2_nothing_of_another_tenant_is_there_by_its_id(
    app: FastAPI,
    api: Api,
    principal: Principal,
    stranger: httpx.AsyncClient,
    pool: Pool,
    ids: dict[str, str],
) -> None:
    counts = "SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM documents)"
    before, events = await pool.fetchrow(counts), len(api.shards.events)
    named = [
        (method, path)
        for method, path in list_operations(app)
        if any(f"{{{name}}}" in path for name in ids)
    ]
    assert len(named) >= 15
    n_not_found = 0
    for method, path in named:
        answer = await stranger.request(
            method, path.format(**ids), json=BODIES.get((method, path))
        )
        n_not_found += answer.status_code == 404
        expected = {404} if principal.may_all else {403, 404}
        assert answer.status_code in expected, (method, path, answer.text)
    # Who is refused everywhere has proven nothing.
    assert n_not_found >= 1
    assert await pool.fetchrow(counts) == before
    assert len(api.shards.events) == events


async def test_every_route_with_a_body_above_would_have_worked_for_its_owner(
    app: FastAPI, client: httpx.AsyncClient, ids: dict[str, str]
) -> None:
    """Or a 404 to a stranger would prove nothing."""
    for method, path in list_operations(app):
        if not any(f"{{{name}}}" in path for name in ids) or method == "delete":
            continue
        if path.endswith("/retry/"):
            continue  # There is no dead letter; the outbox's own tests have one.
        if path.endswith("/visitor-secret/"):
            continue  # A website's alone.
        if path.endswith("/connect/"):
            continue  # Only Telegram is told an address; its own tests connect one.
        answer = await client.request(
            method, path.format(**ids), json=BODIES.get((method, path))
        )
        assert answer.status_code in {200, 201}, (method, path, answer.text)


async def test_x2_no_list_shows_another_tenants_rows(
    app: FastAPI,
    client: httpx.AsyncClient,
    principal: Principal,
    stranger: httpx.AsyncClient,
    ids: dict[str, str],
) -> None:
    n_lists = 0
    for method, path in list_operations(app):
        if method != "get" or "{" in path or not path.startswith("/api/"):
            continue
        mine = await client.get(path)
        if mine.status_code != 200 or "results" not in mine.json():
            continue
        n_lists += 1
        answer = await stranger.get(path)
        if answer.status_code == 403 and not principal.may_all:
            continue
        theirs = answer.json()
        # The people of their own business are theirs to see; nothing else is there.
        if path != "/api/users/":
            assert (theirs["count"], theirs["results"]) == (0, []), path
        assert not {row["id"] for row in mine.json()["results"]} & {
            row["id"] for row in theirs["results"]
        }
    assert n_lists >= 5
    assert ids


async def test_x3_no_route_of_the_api_answers_without_a_token(
    app: FastAPI, nobody: httpx.AsyncClient, ids: dict[str, str]
) -> None:
    for method, path in list_operations(app):
        if not path.startswith("/api/") or f"{method.upper()} {path}" in OPEN:
            continue
        filled = path
        for name, value in ids.items():
            filled = filled.replace(f"{{{name}}}", value)
        answer = await nobody.request(
            method, filled.replace("{", "").replace("}", ""), json={}
        )
        assert answer.status_code == 401, (method, path, answer.text)
