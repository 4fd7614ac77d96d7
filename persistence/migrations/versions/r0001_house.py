"""The first tables: tenants, channels, conversations, knowledge."""

from persistence.migrations.revision import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    run_sql("0001_house.sql")


def downgrade() -> None:
    """Drop them again."""
    run_sql("0001_house_down.sql")
