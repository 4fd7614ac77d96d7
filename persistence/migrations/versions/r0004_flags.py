"""Flags with their history, variants of conversations, routing of questions."""

from persistence.migrations.revision import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the tables."""
    run_sql("0004_flags.sql")


def downgrade() -> None:
    """Drop them again."""
    run_sql("0004_flags_down.sql")
