"""The API keeps to its own description, whatever it is sent."""

from typing import Any, TypeAlias

import httpx
import pytest
import requests
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from deployments.web.api.people.access import OPEN
from persistence.database import open_pool
from persistence.ids import derive_customer_id
from persistence.users import User
from tests.support.api import (
    Api,
    LocalShards,
    add_channel,
    connect,
    write_as_customer,
)
from tests.support.walking.loop_thread import LoopThread
from tests.support.walking.principals import PRINCIPALS, Principal

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]
#: Enough to reach each rule of a body; the whole file stays under half a minute.
CASES_PER_OPERATION = 12
AnyCase: TypeAlias = "schemathesis.Case[APIOperation[Any, Any, Any, Any]]"


class Server:
    """The application in an event loop of its own, for tests that have none."""

    def __init__(self, dsn: str, principal: Principal) -> None:
        self._dsn = dsn
        self._principal = principal
        self._loop = LoopThread()

    def __enter__(self) -> "Server":
        self._loop.__enter__()
        self._loop.run(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.run(self._close())
        self._loop.__exit__()

    def request(self, request: requests.PreparedRequest) -> httpx.Response:
        """Send what was prepared."""
        return self._loop.run(
            self.caller.request(
                request.method or "GET",
                request.url or "",
                content=_encode(request.body),
                headers={
                    _encode(name): _encode(value)
                    for name, value in request.headers.items()
                },
            )
        )

    async def _open(self) -> None:
        self.pool = await open_pool(self._dsn)
        self.shards = LocalShards(self.pool)
        await self.shards.shard.start()
        api = Api(self.pool, self.shards, api_calls_per_minute=1_000_000)
        self.app: FastAPI = api.build()
        # A superuser: what others may not do would end before its body is read.
        self.user: User = await api.add_user("alice", is_superuser=True)
        tenant_id = self.user.tenant_id
        self.headers = await self._principal.add(api, self.app, tenant_id)
        self.caller = connect(self.app)
        channel = await add_channel(self.app, self.user.tenant_id)
        self.client = connect(self.app, self.user)
        document = await self.client.post(
            "/api/knowledge/documents/",
            json={"source_type": "faq", "title": "ارسال", "text": "دو روز."},
        )
        self.ids = {
            "channel_id": str(channel.id),
            "customer_id": str(derive_customer_id(channel.id, "sara")),
            "conversation_id": str(
                await write_as_customer(api, channel, "sara", "سلام")
            ),
            "document_id": str(document.json()["id"]),
            "name": "dense_top_k",
        }
        service = await self.client.post(
            "/api/monitor/services/",
            json={"name": "api", "base_url": "http://127.0.0.1:9"},
        )
        route = await self.client.post(
            "/api/monitor/alert-routes/",
            json={"kind": "webhook", "name": "hook", "url": "http://127.0.0.1:9/"},
        )
        self.ids["service_id"] = str(service.json()["id"])
        self.ids["route_id"] = str(route.json()["id"])
        colleague = await api.add_user("reza", tenant_id=self.user.tenant_id)
        self.ids["user_id"] = str(colleague.id)
        # A message has the id of the event that made it.
        self.ids["message_id"] = str(self.shards.events[0].id)

    async def _close(self) -> None:
        await self.client.aclose()
        await self.caller.aclose()
        await self.shards.shard.stop()
        await self.pool.close()


def _encode(text: object) -> bytes:
    """Encode what `requests` prepared; headers travel as Latin-1."""
    if text is None:
        return b""
    if isinstance(text, bytes):
        return text
    try:
        return str(text).encode("latin-1")
    except UnicodeEncodeError:
        return str(text).encode()


@pytest.mark.slow  # every operation, for every kind of caller
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", PRINCIPALS)
def test_no_request_breaks_the_api_or_its_description(dsn: str, name: str) -> None:
    with Server(dsn, PRINCIPALS[name]) as running:
        _walk(running, PRINCIPALS[name])


def _walk(running: Server, principal: Principal) -> None:
    """Send random requests to every operation."""
    description = running.app.openapi()
    schema = schemathesis.openapi.from_dict(description)
    n_operations = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        # Health and metrics take no input; their 503 here is the truth.
        if not operation.path.startswith("/api/"):
            continue
        if operation.path == "/api/logout/":
            continue  # It would end the sign-in of all calls that follow.
        n_operations += 1

        @settings(
            max_examples=CASES_PER_OPERATION,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(
            case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
            | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
        )
        def send(case: AnyCase) -> None:
            for name in case.path_parameters.keys() & running.ids.keys():
                # A random id would be a 404 before anything else is read.
                case.path_parameters[name] = running.ids[name]
            kwargs = case.as_transport_kwargs(
                base_url="http://pilito.test",
                headers=running.headers,
            )
            for unknown in ("timeout", "verify", "cert", "allow_redirects"):
                kwargs.pop(unknown, None)
            response = running.request(requests.Request(**kwargs).prepare())
            case.validate_response(response, checks=CHECKS)
            route = f"{case.operation.method.upper()} {case.operation.path}"
            if principal.is_nobody and route not in OPEN:
                # A body that is no JSON is told first: nothing is looked up for it.
                assert response.status_code in {400, 401, 413}, response.text

        send()
    assert n_operations >= 19
