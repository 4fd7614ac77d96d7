"""The API's answers to invalid requests, and to errors of its own."""

import errno
import socket

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from persistence.users import User
from tests.support.api import Api, connect
from tests.support.logs import heard_log

CHANNELS = "/api/channels/"
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"name": "shop"}, "kind: Field required"),
        (
            {"kind": "fax", "name": "shop"},
            "kind: Input should be 'instagram', 'telegram', 'website'",
        ),
        ({"kind": "website"}, "name: Field required"),
        ({"kind": "website", "name": "a", "x": 1}, "x: Extra inputs are not permitted"),
    ],
)
async def test_a_field_is_named_as_it_was_sent_whatever_the_kind(
    client: httpx.AsyncClient, body: dict[str, object], detail: str
) -> None:
    answer = await client.post(CHANNELS, json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"] == detail


async def test_a_body_without_its_header_is_told_of_it(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post(CHANNELS, content=b'{"kind": "website", "name": "a"}')
    assert answer.status_code == 422
    assert "Content-Type: application/json" in answer.json()["detail"]


async def test_a_body_that_is_not_utf_8_is_called_so(client: httpx.AsyncClient) -> None:
    body = '{"kind": "website", "name": "\xff"}'.encode("latin-1")
    answer = await client.post(CHANNELS, content=body, headers=JSON)
    assert answer.status_code == 400
    assert answer.json() == {"detail": "body: this is not UTF-8"}


async def test_a_text_in_place_of_a_list_is_refused_as_json_calls_it(
    client: httpx.AsyncClient,
) -> None:
    document = {"source_type": "faq", "title": "a", "text": "b", "tags": "c"}
    answer = await client.post("/api/knowledge/documents/", json=document)
    assert answer.json()["detail"] == "tags: Input should be a valid list"


async def test_an_unresolvable_database_host_is_503_and_away(
    api: Api, alice: User
) -> None:
    # The resolver itself refuses a name with a space: no server is asked.
    dsn = "postgresql://pilito@no%20host/pilito"
    async with asyncpg.create_pool(dsn, min_size=0) as unreachable:
        api.pool = unreachable
        async with connect(api.build(), alice) as client:
            with heard_log() as log:
                answer = await client.get(CHANNELS)
    assert answer.status_code == 503
    assert answer.json() == {
        "detail": "The database does not answer. Try again in a few seconds."
    }
    assert answer.headers["Retry-After"] == "2"
    assert log.matching("warning: database_away")


async def test_a_wrong_sql_statement_is_500_and_logged_as_a_bug(
    app: FastAPI, alice: User
) -> None:
    @app.get("/wrong")
    async def ask() -> object:
        return await app.state.context.pool.fetchval("SELECT no_such_column")

    async with connect(app, alice) as client:
        with heard_log() as log:
            answer = await client.get("/wrong")
    assert answer.status_code == 500
    assert answer.json() == {"detail": "Something broke on our side. It is logged."}
    assert log.matching("error: request_crashed")
    assert not log.matching("database_away")


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "No such file or directory", "/no/file"),
        PermissionError(errno.EPERM, "Operation not permitted"),
        OSError(errno.ENOSPC, "No space left on device"),
    ],
    ids=repr,
)
async def test_an_os_error_of_no_connection_is_500_and_a_bug(
    app: FastAPI, alice: User, error: OSError
) -> None:
    @app.get("/broken")
    async def fail() -> None:
        raise error

    async with connect(app, alice) as client:
        with heard_log() as log:
            answer = await client.get("/broken")
    assert answer.status_code == 500
    assert log.matching("error: request_crashed")


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
        FileNotFoundError(errno.ENOENT, "No such file or directory"),
        OSError("Multiple exceptions: [Errno 111] ..., [Errno 111] ..."),
        OSError(errno.EHOSTUNREACH, "No route to host"),
    ],
    ids=repr,
)
async def test_an_os_error_of_a_connection_is_503(
    app: FastAPI, alice: User, error: OSError
) -> None:
    @app.get("/away")
    async def fail() -> None:
        raise error

    async with connect(app, alice) as client:
        answer = await client.get("/away")
    assert answer.status_code == 503
