"""Where a message stands in its conversation."""

from persistence.migrations.revision import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the place."""
    run_sql("0002_rules.sql")


def downgrade() -> None:
    """Drop it again."""
    run_sql("0002_rules_down.sql")
