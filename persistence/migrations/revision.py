"""How a migration runs the SQL files that stand beside it."""

from collections.abc import Callable
from pathlib import Path

from alembic import op

VERSIONS = Path(__file__).parent / "versions"


def build_steps(name: str) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return the steps up and down: `{name}.sql` and `{name}_down.sql`."""
    return lambda: _run_sql(f"{name}.sql"), lambda: _run_sql(f"{name}_down.sql")


def _run_sql(name: str) -> None:
    """Run the file of the versions folder in the migration's transaction."""
    statements = (VERSIONS / name).read_text(encoding="utf-8")
    connection = op.get_bind().connection.dbapi_connection
    if connection is None:
        message = "a migration needs a live connection"
        raise RuntimeError(message)
    # asyncpg's own execute: SQLAlchemy's would read `:name` in SQL as a parameter,
    # and the prepared protocol takes one statement at a time.
    connection.run_async(lambda driver: driver.execute(statements))
