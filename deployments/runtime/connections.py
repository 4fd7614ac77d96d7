"""How many connections to the database a runtime keeps, and whether it gets them."""

import asyncio
from collections.abc import Mapping

import asyncpg

from deployments.runtime.errors import DatabaseTooSmallError

#: The pool of each shard.
PER_SHARD = 3
#: The pools of the other processes, and of their listeners.
POOLS: Mapping[str, int] = {
    "web": 8,
    "searches": 2,
    "webhooks": 2,
    "retriever": 8,
    "responder": 4,
    "monitor": 4,
    "analysis": 1,
    "listeners": 4,
}
#: For commands, migrations, and replicas that are replaced by others.
SPARE = 12


def count_connections(shards: int) -> int:
    """Count the connections of a runtime with so many shards."""
    return shards * PER_SHARD + sum(POOLS.values()) + SPARE


def fetch_allowed_connections(dsn: str) -> int:
    """Fetch how many connections the server allows to whoever is no superuser."""
    return asyncio.run(_fetch_allowed(dsn))


def check_connections(dsn: str, shards: int) -> None:
    """Check that the server allows as many as are needed.

    Raises:
        DatabaseTooSmallError: in one line that names both figures.
    """
    needed, allowed = count_connections(shards), fetch_allowed_connections(dsn)
    if needed > allowed:
        message = (
            f"PILITO_SHARDS={shards} needs {needed} connections to the database, which"
            f" allows {allowed}: lower PILITO_SHARDS, or raise the server's"
            " max_connections"
        )
        raise DatabaseTooSmallError(message)


async def _fetch_allowed(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        names = (
            "max_connections",
            "superuser_reserved_connections",
            "reserved_connections",
        )
        # The last of them is younger than some servers.
        figures = [
            await connection.fetchval("SELECT current_setting($1, true)", name)
            for name in names
        ]
    finally:
        await connection.close()
    allowed, *reserved = (int(figure or 0) for figure in figures)
    return allowed - sum(reserved)
