"""Reads whole databases and Redis servers as text, to look for what must be gone."""

from collections.abc import Iterable
from pathlib import Path

from redis.asyncio import Redis

from persistence.database import Pool

_TABLES = """
SELECT table_name FROM information_schema.tables
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY table_name
"""


async def dump_tables(pool: Pool) -> dict[str, str]:
    """Return every row of every table as text, by the table's name."""
    dump = {}
    for row in await pool.fetch(_TABLES):
        table = row["table_name"]
        # The names come from the database itself.
        rows = await pool.fetch(f'SELECT t::text AS line FROM "{table}" AS t')  # noqa: S608 - see above
        dump[table] = "\n".join(row["line"] for row in rows)
    return dump


async def count_rows(pool: Pool, table: str) -> int:
    """Count the rows of a table that the test names."""
    found: int = await pool.fetchval(f'SELECT count(*) FROM "{table}"')  # noqa: S608 - a test's own
    return found


async def dump_redis(redis: Redis) -> str:
    """Return every key of Redis with its value as text."""
    lines = []
    async for key in redis.scan_iter():
        match await redis.type(key):
            case "hash":
                value: object = await redis.hgetall(key)
            case "zset":
                value = await redis.zrange(key, 0, -1)
            case "list":
                value = await redis.lrange(key, 0, -1)
            case _:
                value = await redis.get(key)
        lines.append(f"{key}: {value}")
    return "\n".join(lines)


def read_files(folder: Path) -> str:
    """Return what all files of a folder say."""
    return "\n".join(
        path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    )


def find(words: Iterable[str], text: str) -> list[str]:
    """Return which of the words stand in the text."""
    return [word for word in words if word in text]
