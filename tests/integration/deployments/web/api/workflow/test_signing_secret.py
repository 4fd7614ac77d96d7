"""The secret of a tenant's webhooks: its own, shown to owners alone, and changed."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from deployments.http.signing import sign
from persistence.database import Pool
from persistence.users import Role, User
from tests.integration.deployments.workflows.work import (
    build_call,
    build_task,
    build_worker,
)
from tests.support.api import SECRET, Api, connect
from tests.support.monitors import CIPHER
from tests.support.servers.misbehaving_server import (
    MisbehavingServer,
    answer,
    misbehaving_server,
)

PATH = "/api/workflow/signing-secret/"


@pytest.fixture
async def http() -> AsyncIterator[MisbehavingServer]:
    async with misbehaving_server() as server:
        yield server


async def test_the_secret_is_made_once_and_shown_again(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    first = await client.get(PATH)
    assert first.status_code == 200
    assert first.headers["cache-control"] == "no-store"
    assert len(first.json()["secret"]) >= 40
    assert (await client.get(PATH)).json() == first.json()
    others = (await stranger.get(PATH)).json()
    assert others["secret"] != first.json()["secret"]


async def test_a_new_secret_signs_from_the_next_call_on(
    client: httpx.AsyncClient, alice: User, pool: Pool, http: MisbehavingServer
) -> None:
    # The worker and the application have the same key at rest.
    assert CIPHER.decrypt(type(CIPHER)(SECRET).encrypt(b"x")) == b"x"
    worker = build_worker(pool)
    task = build_task(build_call(http.on("/hook", answer())), alice.tenant_id)
    secrets = [(await client.get(PATH)).json()["secret"]]
    await worker.perform(task)
    changed = await client.post(f"{PATH}rotate/")
    assert changed.status_code == 200
    secrets.append(changed.json()["secret"])
    await worker.perform(task)
    assert secrets[0] != secrets[1]
    assert (await client.get(PATH)).json() == changed.json()
    for secret, request in zip(secrets, http.requests, strict=True):
        wanted = sign(secret, request.headers["x-pilito-timestamp"], request.body)
        assert request.headers["x-pilito-signature"] == wanted


async def test_an_operator_never_sees_the_secret(
    api: Api, app: FastAPI, client: httpx.AsyncClient, alice: User
) -> None:
    secret = (await client.get(PATH)).json()["secret"]
    operator = await api.add_user("omid", role=Role.OPERATOR, tenant_id=alice.tenant_id)
    async with connect(app, operator) as other:
        for method, path in (("GET", PATH), ("POST", f"{PATH}rotate/")):
            refused = await other.request(method, path)
            assert refused.status_code == 403
            assert secret not in refused.text
