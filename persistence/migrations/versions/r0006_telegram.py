"""What came of telling a platform a channel's address."""

from persistence.migrations.revision import run_sql

revision = "0006"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns."""
    run_sql("0006_telegram.sql")


def downgrade() -> None:
    """Drop them again."""
    run_sql("0006_telegram_down.sql")
