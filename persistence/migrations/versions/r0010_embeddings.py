"""Who embeds a chunk, why it failed, and the vectors that serve meanwhile."""

from persistence.migrations.revision import run_sql

revision = "0010"
down_revision = "0008"


def upgrade() -> None:
    """Add the columns."""
    run_sql("0010_embeddings.sql")


def downgrade() -> None:
    """Drop them again."""
    run_sql("0010_embeddings_down.sql")
