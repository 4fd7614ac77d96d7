"""A real PostgreSQL for the tests: started once, one database per test."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import settings

from persistence import migrate
from persistence.database import Pool, open_pool
from persistence.embedded.server import EmbeddedPostgres

TEMPLATE = "pilito_template"

# Workers share the cores. A model that takes all of them for itself, and spins while it
# waits for one, takes twice as long, and the others' time with it. Read when such a
# library is loaded, also by the programs that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# How long an example takes says more about the machine than about the code.
settings.register_profile("pilito", deadline=None)
settings.load_profile("pilito")


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Start the server; yield a DSN with `{database}` left open."""
    # A short path: a Unix socket's has at most some hundred bytes.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    postgres = EmbeddedPostgres(folder / "data")
    uri = postgres.start().replace("/postgres?", "/{database}?")
    try:
        asyncio.run(_prepare(uri.format(database="postgres")))
        migrate.upgrade(uri.format(database=TEMPLATE))
        yield uri
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def _prepare(admin: str) -> None:
    for statement in (
        # No test pulls this machine's plug: those of crashes have a server of their
        # own. Waiting for the disk took most of a test that has a database.
        "ALTER SYSTEM SET fsync = off",
        "ALTER SYSTEM SET full_page_writes = off",
        "SELECT pg_reload_conf()",
        _create(TEMPLATE),
    ):
        await _execute(admin, statement)


def _create(name: str, template: str = "template1") -> str:
    return f'CREATE DATABASE "{name}" TEMPLATE "{template}"'


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
async def dsn(server: str) -> AsyncIterator[str]:
    """A migrated, empty database of the test's own."""
    name = f"test_{uuid4().hex[:12]}"
    admin = server.format(database="postgres")
    await _execute(admin, _create(name, TEMPLATE))
    yield server.format(database=name)
    await _execute(admin, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[Pool]:
    """Connections to the test's own database."""
    pool = await open_pool(dsn)
    yield pool
    await pool.close()
