"""Fewer checks per message: what follows from another promise is not checked twice."""

from persistence.migrations.revision import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Drop them."""
    run_sql("0007_lean_writes.sql")


def downgrade() -> None:
    """Check them again."""
    run_sql("0007_lean_writes_down.sql")
