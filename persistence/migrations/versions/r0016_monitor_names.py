"""One definition of a watched service, and standard names in the monitor's JSON."""

from persistence.migrations.revision import run_sql

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Create the function and rename the keys."""
    run_sql("0016_monitor_names.sql")


def downgrade() -> None:
    """Drop the function and give the keys their former names."""
    run_sql("0016_monitor_names_down.sql")
