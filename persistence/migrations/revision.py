"""The steps of a migration: each runs an SQL file that stands beside the revision."""

from collections.abc import Callable
from pathlib import Path

from alembic import op


def sql_steps(file: str) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return `upgrade` and `downgrade` of the revision whose file this is.

    Of `r0001_house.py` they run `0001_house.sql` and `0001_house_down.sql`.
    """
    path = Path(file)
    name = path.stem.removeprefix("r")

    # Functions, not partials: Alembic logs their names.
    def upgrade() -> None:
        _run(path.with_name(f"{name}.sql"))

    def downgrade() -> None:
        _run(path.with_name(f"{name}_down.sql"))

    return upgrade, downgrade


def _run(path: Path) -> None:
    """Run an SQL file in the migration's transaction."""
    statements = path.read_text(encoding="utf-8")
    connection = op.get_bind().connection.dbapi_connection
    if connection is None:
        message = "a migration needs a live connection"
        raise RuntimeError(message)
    # asyncpg's own execute: SQLAlchemy's would read `:name` in SQL as a parameter,
    # and the prepared protocol takes one statement at a time.
    connection.run_async(lambda driver: driver.execute(statements))
