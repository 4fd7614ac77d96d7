"""One look for a batch's channels instead of a key per customer."""

from persistence.migrations.revision import run_sql

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Drop the keys."""
    run_sql("0015_keyless_customers.sql")


def downgrade() -> None:
    """Check them again."""
    run_sql("0015_keyless_customers_down.sql")
