"""What the summary shows of digests, in one place."""

from persistence.migrations.revision import run_sql

revision = "0013"
down_revision = "0010"


def upgrade() -> None:
    """Create the table and fill it."""
    run_sql("0013_monitor.sql")


def downgrade() -> None:
    """Drop it again."""
    run_sql("0013_monitor_down.sql")
