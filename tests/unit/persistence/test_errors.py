"""Which errors mean that the database is away."""

import errno
import socket
import ssl

import asyncpg
import pytest
from asyncpg.exceptions._base import DataError

from persistence.errors import is_database_away


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EHOSTUNREACH, "no route to host"),
        OSError(errno.ENOTCONN, "not connected"),
        OSError("Multiple exceptions: refused, refused"),
        ConnectionResetError(),
        TimeoutError(),
        socket.gaierror(socket.EAI_NONAME, "unknown host"),
        ssl.SSLError("a proxy that restarts"),
        ssl.SSLEOFError("a proxy that restarts"),
        asyncpg.TooManyConnectionsError("full"),
        asyncpg.AdminShutdownError("restarting"),
        asyncpg.InterfaceError("connection is closed"),
    ],
    ids=repr,
)
def test_the_database_is_away(error: Exception) -> None:
    assert is_database_away(error)


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "no such file", "page.html"),
        PermissionError(errno.EACCES, "denied", "page.html"),
        asyncpg.UndefinedColumnError("no such column"),
        DataError("invalid input for query argument $1"),
        ValueError("a bug"),
    ],
    ids=repr,
)
def test_a_bug_is_no_outage(error: Exception) -> None:
    assert not is_database_away(error)
