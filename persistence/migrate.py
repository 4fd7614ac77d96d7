"""Migrations of the database to the schema that this code expects."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from persistence.errors import DATABASE_AWAY

MIGRATIONS = Path(__file__).parent / "migrations"
#: Any number; every runtime takes the same advisory lock before it migrates.
MIGRATION_LOCK = 7_046_011


def upgrade(dsn: str, revision: str = "head") -> None:
    """Run the missing migrations, one runtime at a time."""
    asyncio.run(_run(dsn, lambda config: command.upgrade(config, revision)))


def downgrade(dsn: str, revision: str = "base") -> None:
    """Revert migrations, down to `revision`."""
    asyncio.run(_run(dsn, lambda config: command.downgrade(config, revision)))


def _build_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


async def _run(dsn: str, action: Callable[[Config], None]) -> None:
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(dsn)
    )

    def work(connection: Connection) -> None:
        config = _build_config()
        config.attributes["connection"] = connection
        action(config)

    guard = await asyncpg.connect(dsn)
    try:
        # Two runtimes may start on one database: the second waits, then finds nothing.
        await guard.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
        async with engine.connect() as connection:
            await connection.run_sync(work)
            await connection.commit()
    finally:
        with contextlib.suppress(*DATABASE_AWAY):
            await guard.close()
        await engine.dispose()
