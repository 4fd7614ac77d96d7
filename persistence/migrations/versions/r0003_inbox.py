"""The inbox: a feed of a tenant's changes, its customers, its dead letters."""

from persistence.migrations.revision import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Let events name their tenant and messages; change the indexes."""
    run_sql("0003_inbox.sql")


def downgrade() -> None:
    """Take it back."""
    run_sql("0003_inbox_down.sql")
