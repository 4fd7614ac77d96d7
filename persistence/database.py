"""Connections to PostgreSQL, with codecs for JSON and UUID."""

from datetime import timedelta
from typing import TypeAlias
from uuid import UUID

import asyncpg
import orjson

from persistence.errors import DatabaseAwayError

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnection"
PoolConnection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Db: TypeAlias = "Connection | Pool"

#: For a server that answers slowly; a missing one is noticed at once.
CONNECT_TIMEOUT = timedelta(seconds=10)


def _encode(value: object) -> str:
    return orjson.dumps(value).decode()


def _encode_uuid(value: UUID) -> bytes:
    return value.bytes


def _decode_uuid(data: bytes) -> UUID:
    return UUID(bytes=bytes(data))


async def prepare_connection(connection: Connection) -> None:
    """Set the codecs: `jsonb` by orjson, `uuid` as Python's own class.

    asyncpg's subclass of UUID is refused by orjson.
    """
    await connection.set_type_codec(
        "uuid",
        encoder=_encode_uuid,
        decoder=_decode_uuid,
        schema="pg_catalog",
        format="binary",
    )
    await connection.set_type_codec(
        "jsonb", encoder=_encode, decoder=orjson.loads, schema="pg_catalog"
    )


async def _keep_session(connection: Connection) -> None:
    """Leave the session as it is when its connection goes back to the pool.

    asyncpg would clean it by a round trip of its own, which doubles what a short
    statement costs. No user of the pool changes a session: settings and locks are
    `LOCAL` or end with their transaction, and listeners have their own connection.
    """


async def open_pool(dsn: str, *, max_size: int = 4) -> Pool:
    """Open a pool. Connections are made when first needed and kept."""
    return await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=max_size,
        init=prepare_connection,
        reset=_keep_session,
        command_timeout=30,
    )


async def check_answers(dsn: str) -> None:
    """Connect once, so that a wrong address is reported in one line.

    Raises:
        DatabaseAwayError: no server answers there, or it refuses us.
    """
    try:
        connection = await asyncpg.connect(dsn, timeout=CONNECT_TIMEOUT.total_seconds())
    except (
        OSError,
        ValueError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
    ) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DatabaseAwayError(reason) from error
    await connection.close()


async def connect_read_only(dsn: str) -> "asyncpg.Connection[asyncpg.Record]":
    """Open one connection on which the server itself refuses to write."""
    connection = await asyncpg.connect(
        dsn, server_settings={"default_transaction_read_only": "on"}
    )
    await prepare_connection(connection)
    return connection
