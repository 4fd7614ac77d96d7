"""The health monitor: services, results, states, notices, digests, anomalies."""

from persistence.migrations.revision import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the tables."""
    run_sql("0008_monitor.sql")


def downgrade() -> None:
    """Drop them again."""
    run_sql("0008_monitor_down.sql")
