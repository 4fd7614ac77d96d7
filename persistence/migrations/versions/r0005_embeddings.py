"""Who embeds a chunk, why it failed, and the vectors that serve meanwhile."""

from persistence.migrations.revision import run_sql

revision = "0005"
down_revision = "0006"


def upgrade() -> None:
    """Add the columns."""
    run_sql("0005_embeddings.sql")


def downgrade() -> None:
    """Drop them again."""
    run_sql("0005_embeddings_down.sql")
