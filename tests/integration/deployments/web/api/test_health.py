"""Health, metrics, and what every address has in common."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from deployments.health.exposition import render_metrics
from deployments.health.probes import PARTS, PartHealth, PartStatus, check_parts
from persistence.database import Pool
from persistence.users import User
from tests.support.api import Api, connect


async def fine() -> PartHealth:
    return PartHealth(PartStatus.OK)


async def half() -> PartHealth:
    return PartHealth(PartStatus.DEGRADED, "no model yet")


async def broken() -> PartHealth:
    raise ConnectionRefusedError


@pytest.fixture
async def here(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A program on the machine of the runtime."""
    async with connect(app, address="127.0.0.1") as client:
        yield client


async def test_health_needs_no_sign_in_and_no_part(nobody: httpx.AsyncClient) -> None:
    answer = await nobody.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}


async def test_the_runtime_is_ready_while_messages_can_be_taken(
    api: Api, here: httpx.AsyncClient
) -> None:
    api.probes.update(database=fine, shards=fine, reranker=half, responder=broken)
    answer = await here.get("/readyz")
    assert answer.status_code == 200
    parts = answer.json()
    assert set(parts) == set(PARTS)
    assert parts["database"] == {"status": "ok", "reason": ""}
    assert parts["reranker"] == {"status": "degraded", "reason": "no model yet"}
    assert parts["responder"] == {"status": "down", "reason": "ConnectionRefusedError"}


@pytest.mark.parametrize("part", ["database", "shards"])
async def test_without_a_vital_part_the_runtime_is_not_ready(
    api: Api, here: httpx.AsyncClient, part: str
) -> None:
    api.probes.update(database=fine, shards=fine)
    api.probes[part] = broken
    answer = await here.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()[part]["status"] == "down"


async def test_a_part_that_does_not_answer_is_down_and_holds_up_no_other() -> None:
    async def hang() -> PartHealth:
        await asyncio.Event().wait()
        return PartHealth(PartStatus.OK)

    parts = await check_parts({"database": hang, "shards": fine}, timeout_s=0.01)
    assert parts["database"] == PartHealth(PartStatus.DOWN, "no answer within 0.01 s")
    assert parts["shards"].status is PartStatus.OK


async def test_metrics_are_prometheus_text(here: httpx.AsyncClient) -> None:
    answer = await here.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert "# HELP" in answer.text


def test_metrics_of_all_processes_are_added_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    program = (
        "from config.metrics import MESSAGES_STORED;"
        "MESSAGES_STORED.labels('customer').inc(3)"
    )
    for _ in range(2):
        subprocess.run([sys.executable, "-c", program], check=True)
    assert b'messages_stored_total{type="customer"} 6.0' in render_metrics()


async def test_an_unknown_address_answers_in_the_same_form(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/api/nothing/")
    assert answer.status_code == 404
    assert answer.json() == {"detail": "Not Found"}
    answer = await client.delete("/api/channels/")
    assert answer.status_code == 405
    assert "detail" in answer.json()


async def test_a_database_that_is_away_is_a_503_and_not_a_stack(
    api: Api, alice: User, pool: Pool
) -> None:
    app: FastAPI = api.build()
    await api.shards.shard.stop()
    await pool.close()
    async with connect(app, alice) as client:
        answer = await client.get("/api/channels/")
    assert answer.status_code == 503
    assert answer.json()["detail"].startswith("The database does not answer")
    assert "Retry-After" in answer.headers


async def test_the_api_describes_itself(nobody: httpx.AsyncClient) -> None:
    schema = (await nobody.get("/openapi.json")).json()
    assert "/api/channels/" in schema["paths"]
    page = await nobody.get("/docs")
    assert page.status_code == 200
    assert all(path in page.text for path in schema["paths"])
    # It works on a machine that reaches nobody else.
    assert "<script" not in page.text
    assert "src=" not in page.text
