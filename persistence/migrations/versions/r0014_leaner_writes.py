"""Fewer checks per message: what one statement writes together needs no key."""

from persistence.migrations.revision import run_sql

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Drop them."""
    run_sql("0014_leaner_writes.sql")


def downgrade() -> None:
    """Check them again."""
    run_sql("0014_leaner_writes_down.sql")
