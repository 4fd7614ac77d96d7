"""Plain names for three fields of the conversations' states."""

from persistence.migrations.revision import run_sql

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Rename the fields."""
    run_sql("0017_state_names.sql")


def downgrade() -> None:
    """Give them their old names back."""
    run_sql("0017_state_names_down.sql")
