"""Fault X2 again: what another tenant owns can't be named in a filter or a body."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import cast

import httpx
import pytest
from fastapi import FastAPI

from persistence.channels import ChannelKind
from persistence.database import Pool
from persistence.users import User
from tests.support.api import Api, LocalShards, add_channel, write_as_customer
from tests.support.monitors import running_monitor

Schema = Mapping[str, object]
#: Members that are ids of a platform, not of ours.
FOREIGN = frozenset({"account_id", "chat_id"})
#: Bodies around a named thing, by path.
BODIES: Mapping[str, dict[str, object]] = {
    "/api/monitor/maintenance/": {
        "starts_at": "2026-01-01T00:00:00Z",
        "ends_at": "2026-01-02T00:00:00Z",
    },
    "/api/monitor/alert-routes/": {"kind": "telegram", "name": "x", "chat_id": "1"},
    "/api/monitor/analyze/": {},
    "/api/conversations/{conversation_id}/assign/": {},
    "/api/workflow/workflows/{workflow_id}/run/": {},
    "/api/workflow/workflows/{workflow_id}/dry-run/": {},
}
WORKFLOW = {
    "name": "x",
    "nodes": [{"id": "start", "type": "when", "trigger": {"kind": "manual"}}],
}


@pytest.fixture
async def api(pool: Pool) -> AsyncIterator[Api]:
    shards = LocalShards(pool)
    await shards.shard.start()
    async with running_monitor(pool) as monitor:
        yield Api(pool, shards, monitor=monitor)
    await shards.shard.stop()


@pytest.fixture
async def owned(
    app: FastAPI, api: Api, client: httpx.AsyncClient, alice: User
) -> dict[str, str]:
    """What belongs to alice, by the names of members that name such things."""
    channel = await add_channel(app, alice.tenant_id, ChannelKind.TELEGRAM, "178")
    service = await client.post(
        "/api/monitor/services/", json={"name": "api", "base_url": "http://127.0.0.1:9"}
    )
    service_id = str(service.json()["id"])
    await client.post(f"/api/monitor/services/{service_id}/check/")
    return {
        "service": service_id,
        "service_id": service_id,
        "channel": str(channel.id),
        "channel_id": str(channel.id),
        "user_id": str(alice.id),
        "conversation_id": str(await write_as_customer(api, channel, "7", "سلام")),
        "workflow_id": await add_workflow(client),
    }


async def add_workflow(client: httpx.AsyncClient) -> str:
    """Add an active workflow, for the paths that lead through one's own."""
    made = await client.post("/api/workflow/workflows/", json=WORKFLOW)
    workflow_id = str(made.json()["id"])
    await client.post(f"/api/workflow/workflows/{workflow_id}/activate/")
    return workflow_id


def list_references(app: FastAPI) -> Iterator[tuple[str, str, str, str]]:
    """Name each member of a query or a body that names a thing: method, path, place."""
    description: dict[str, object] = app.openapi()
    paths = cast("dict[str, dict[str, Schema]]", description["paths"])
    for path, methods in paths.items():
        for method, operation in methods.items():
            parameters = cast("list[dict[str, str]]", operation.get("parameters", []))
            for one in parameters:
                if one["in"] == "query" and is_reference(one["name"]):
                    yield method, path, "query", one["name"]
            for name in list_members(description, operation.get("requestBody", {})):
                if is_reference(name):
                    yield method, path, "body", name


def is_reference(name: str) -> bool:
    return name not in FOREIGN and (
        name.endswith("_id")
        or name in {"service", "channel", "customer", "conversation", "user", "tenant"}
    )


def list_members(description: Schema, schema: object) -> Iterator[str]:
    """Name the members of a body, of all its kinds."""
    if isinstance(schema, list):
        for one in schema:
            yield from list_members(description, one)
    if not isinstance(schema, dict):
        return
    for name, value in schema.items():
        if name == "$ref":
            found: object = description
            for step in str(value).removeprefix("#/").split("/"):
                found = cast("Schema", found)[step]
            yield from list_members(description, found)
        elif name == "properties":
            yield from value
        elif name != "discriminator":
            yield from list_members(description, value)


async def test_x2_nothing_of_another_tenant_can_be_named(
    app: FastAPI,
    api: Api,
    client: httpx.AsyncClient,
    stranger: httpx.AsyncClient,
    bob: User,
    owned: dict[str, str],
) -> None:
    references = [one for one in list_references(app) if one[3] != "client_id"]
    assert len(references) >= 10
    channel = await add_channel(app, bob.tenant_id, ChannelKind.TELEGRAM, "179")
    theirs_own = {
        "workflow_id": await add_workflow(stranger),
        "conversation_id": str(await write_as_customer(api, channel, "8", "سلام")),
    }
    for method, path, place, name in references:
        named = {name: owned[name]}
        my_path = their_path = path
        for parameter, their_id in theirs_own.items():
            my_path = my_path.replace(f"{{{parameter}}}", owned[parameter])
            their_path = their_path.replace(f"{{{parameter}}}", their_id)
        if place == "body":
            body = {**BODIES[path], **named}
            mine = await client.request(method, my_path, json=body)
            theirs = await stranger.request(method, their_path, json=body)
        else:
            mine = await client.request(method, my_path, params=named)
            theirs = await stranger.request(method, their_path, params=named)
        # Or the refusal would prove nothing.
        assert mine.status_code in {200, 201, 202}, (method, path, mine.text)
        if theirs.status_code != 200:
            assert theirs.status_code in {404, 422}, (method, path, theirs.text)
            assert owned[name] not in theirs.text
        else:
            shown = theirs.json()
            found = shown["services" if "services" in shown else "results"]
            assert found == [], (method, path, theirs.text)
