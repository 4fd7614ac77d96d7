"""How a migration runs the SQL file that stands beside it."""

from pathlib import Path

from alembic import op

VERSIONS = Path(__file__).parent / "versions"


def run_sql(name: str) -> None:
    """Run the file `name` of the versions folder in the migration's transaction."""
    statements = (VERSIONS / name).read_text(encoding="utf-8")
    connection = op.get_bind().connection.dbapi_connection
    if connection is None:
        message = "a migration needs a live connection"
        raise RuntimeError(message)
    # asyncpg's own execute: SQLAlchemy's would read `:name` in SQL as a parameter,
    # and the prepared protocol takes one statement at a time.
    connection.run_async(lambda driver: driver.execute(statements))
