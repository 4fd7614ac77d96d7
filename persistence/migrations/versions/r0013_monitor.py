"""What the summary shows, put together; and what rings the monitor."""

from persistence.migrations.revision import run_sql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Create the tables and fill them."""
    run_sql("0013_monitor.sql")


def downgrade() -> None:
    """Drop them again."""
    run_sql("0013_monitor_down.sql")
