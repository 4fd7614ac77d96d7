"""The API keeps to its own description, whatever it is sent."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, TypeAlias, TypeVar

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

from persistence.database import open_pool
from persistence.ids import derive_customer_id
from persistence.users import User
from tests.support.api import (
    Api,
    LocalShards,
    add_channel,
    connect,
    sign,
    write_as_customer,
)

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]
#: Enough to reach each rule of a body; the whole file stays under half a minute.
CASES_PER_OPERATION = 12
AnyCase: TypeAlias = "schemathesis.Case[APIOperation[Any, Any, Any, Any]]"
Result = TypeVar("Result")


class Server:
    """The application in an event loop of its own, for tests that have none."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> "Server":
        self._thread.start()
        self._call(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def request(self, request: requests.PreparedRequest) -> httpx.Response:
        """Send what was prepared."""
        return self._call(
            self.client.request(
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
        self.token = sign(self.app, self.user)
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
        await self.shards.shard.stop()
        await self.pool.close()

    def _call(self, work: Coroutine[object, object, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=100)


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


@pytest.fixture
def running(dsn: str) -> Iterator[Server]:
    with Server(dsn) as running:
        yield running


@pytest.mark.slow  # every operation
@pytest.mark.timeout(600)
def test_no_request_breaks_the_api_or_its_description(running: Server) -> None:
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
                headers={"Authorization": f"Bearer {running.token}"},
            )
            for unknown in ("timeout", "verify", "cert", "allow_redirects"):
                kwargs.pop(unknown, None)
            response = running.request(requests.Request(**kwargs).prepare())
            case.validate_response(response, checks=CHECKS)

        send()
    assert n_operations >= 19
