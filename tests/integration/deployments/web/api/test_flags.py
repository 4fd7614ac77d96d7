"""Flags over the API: everybody reads them, superusers change them."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from actors.clock import SystemClock
from config.flags import FLAGS, bucket
from persistence.users import User
from tests.support.api import Api, connect
from tests.support.clock import FakeClock

NAMES = [*FLAGS]


@pytest.fixture
def clock(api: Api) -> FakeClock:
    # From now on: a token of another year has run out.
    clock = FakeClock(SystemClock().now())
    api.clock = clock
    return clock


@pytest.fixture
async def app(api: Api, clock: FakeClock) -> FastAPI:
    assert api.clock is clock
    return api.build()


@pytest.fixture
async def root(app: FastAPI, api: Api) -> AsyncIterator[httpx.AsyncClient]:
    user = await api.add_user("root", is_superuser=True)
    async with connect(app, user) as client:
        yield client


async def show(client: httpx.AsyncClient, name: str) -> dict[str, object]:
    answer = await client.get(f"/api/flags/{name}/")
    assert answer.status_code == 200, answer.text
    shown: dict[str, object] = answer.json()
    return shown


async def put(client: httpx.AsyncClient, name: str, **body: object) -> httpx.Response:
    return await client.put(f"/api/flags/{name}/", json=body)


async def test_everybody_who_is_signed_in_reads_the_flags(
    client: httpx.AsyncClient, nobody: httpx.AsyncClient
) -> None:
    listed = (await client.get("/api/flags/")).json()
    assert [*listed] == NAMES
    assert listed["dense_top_k"] == await show(client, "dense_top_k")
    assert listed["dense_top_k"] == {
        "enabled": True,
        "enabled_for_tenant": True,
        "value": 20,
        "default": 20,
        "expires_at": None,
        "is_set": False,
        "type": "number",
        "about": FLAGS["dense_top_k"].about,
        "minimum": 1,
        "maximum": 200,
        "choices": [],
    }
    assert (await nobody.get("/api/flags/")).status_code == 401


async def test_only_a_superuser_changes_them_or_sees_who_did(
    client: httpx.AsyncClient,
) -> None:
    for answer in (
        await put(client, "dense_top_k", value=30),
        await client.patch("/api/flags/dense_top_k/", json={"value": 30}),
        await client.delete("/api/flags/dense_top_k/"),
        await client.get("/api/flags/history/"),
        await client.get("/api/flags/metrics/"),
    ):
        assert answer.status_code == 403
        assert "superuser" in answer.json()["detail"]
    assert (await show(client, "dense_top_k"))["value"] == 20


async def test_a_flag_is_set_for_a_time_and_for_good(
    root: httpx.AsyncClient, client: httpx.AsyncClient, clock: FakeClock
) -> None:
    begin = clock.now()
    answer = await put(root, "rerank_model", value="large", ttl=60)
    assert answer.status_code == 200
    assert answer.json() == await show(client, "rerank_model")
    until = datetime.fromisoformat(answer.json()["expires_at"])
    assert until == begin + timedelta(seconds=60)
    clock.advance(timedelta(seconds=60))
    shown = await show(client, "rerank_model")
    assert shown["value"] == "base"
    assert shown["is_set"] is False

    await put(root, "rerank_model", value="large")
    clock.advance(timedelta(days=365))
    assert (await show(client, "rerank_model"))["value"] == "large"
    assert (await root.delete("/api/flags/rerank_model/")).status_code == 204
    assert (await show(client, "rerank_model"))["value"] == "base"


async def test_a_patch_changes_one_and_leaves_the_other(
    root: httpx.AsyncClient, clock: FakeClock
) -> None:
    begin = clock.now()
    await put(root, "dense_top_k", value=30, ttl=60)
    clock.advance(timedelta(seconds=20))

    answer = await root.patch("/api/flags/dense_top_k/", json={"value": 40})
    assert answer.json()["value"] == 40
    until = datetime.fromisoformat(answer.json()["expires_at"])
    assert until == begin + timedelta(seconds=60)
    answer = await root.patch("/api/flags/dense_top_k/", json={"ttl": None})
    assert answer.json()["value"] == 40
    assert answer.json()["expires_at"] is None

    answer = await root.patch("/api/flags/production_rag/", json={"ttl": 60})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("value: ")


async def test_the_kill_switch_beats_the_percentage_for_the_callers_tenant(
    root: httpx.AsyncClient, client: httpx.AsyncClient, alice: User
) -> None:
    place = bucket("production_rag", UUID(str(alice.tenant_id)))
    await put(root, "production_rag_rollout_percentage", value=place)
    assert (await show(client, "production_rag"))["enabled_for_tenant"] is False
    await put(root, "production_rag_rollout_percentage", value=place + 1)
    assert (await show(client, "production_rag"))["enabled_for_tenant"] is True
    await put(root, "production_rag", value=False)
    shown = await show(client, "production_rag")
    assert shown["enabled_for_tenant"] is False
    assert shown["is_set"] is True


@pytest.mark.parametrize(
    ("name", "body", "status", "field"),
    [
        ("use_production_rag", {"value": True}, 404, "name"),
        ("production_rag", {"value": "true"}, 422, "value"),
        ("production_rag", {"value": 1}, 422, "value"),
        ("production_rag", {"value": None}, 422, "value"),
        ("production_rag", {}, 422, "value"),
        ("dense_top_k", {"value": True}, 422, "value"),
        ("dense_top_k", {"value": 20.0}, 422, "value"),
        ("dense_top_k", {"value": 10**40}, 422, "value"),
        ("rerank_model", {"value": "huge"}, 422, "value"),
        ("dense_top_k", {"value": 30, "ttl": 0}, 422, "ttl"),
        ("dense_top_k", {"value": 30, "ttl": -5}, 422, "ttl"),
        ("dense_top_k", {"value": 30, "ttl": 1e-300}, 422, "ttl"),
        ("dense_top_k", {"value": 30, "ttl": 1e300}, 422, "ttl"),
        ("dense_top_k", {"value": 30, "tll": 60}, 422, "tll"),
    ],
)
async def test_what_can_not_be_is_refused_by_field(
    root: httpx.AsyncClient, name: str, body: dict[str, object], status: int, field: str
) -> None:
    answer = await put(root, name, **body)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"].startswith(field)
    assert (await root.get("/api/flags/history/")).json()["count"] == 0


async def test_the_history_tells_who_when_old_and_new(
    root: httpx.AsyncClient, clock: FakeClock
) -> None:
    begin = clock.now()
    await put(root, "dense_top_k", value=30)
    clock.advance(timedelta(hours=1))
    await put(root, "production_rag", value=True, ttl=60)
    await root.delete("/api/flags/dense_top_k/")

    history = (await root.get("/api/flags/history/")).json()
    assert history["count"] == 3
    told = [
        (one["name"], one["who"], one["old"], one["new"]) for one in history["results"]
    ]
    assert told == [
        ("dense_top_k", "root", 30, None),
        ("production_rag", "root", None, True),
        ("dense_top_k", "root", None, 30),
    ]
    first = history["results"][-1]
    assert datetime.fromisoformat(first["at"]) == begin
    page = await root.get("/api/flags/history/?name=dense_top_k&page_size=1&page=2")
    assert page.json()["count"] == 2
    assert [one["id"] for one in page.json()["results"]] == [first["id"]]
    assert (await root.get("/api/flags/history/?name=nothing")).status_code == 404


async def test_an_unknown_name_is_not_found(root: httpx.AsyncClient) -> None:
    for answer in (
        await root.get("/api/flags/use_production_rag/"),
        await root.patch("/api/flags/use_production_rag/", json={"value": True}),
        await root.delete("/api/flags/use_production_rag/"),
    ):
        assert answer.status_code == 404
        assert "use_production_rag" in answer.json()["detail"]


async def test_the_api_describes_the_flags(nobody: httpx.AsyncClient) -> None:
    schema = (await nobody.get("/openapi.json")).json()
    assert {*schema["paths"]["/api/flags/{name}/"]} == {"get", "put", "patch", "delete"}
    assert "/api/flags/history/" in schema["paths"]
