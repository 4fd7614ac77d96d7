"""The tags of a document, by which a search may be narrowed."""

from persistence.migrations.revision import run_sql

revision = "0012"
down_revision = "0010"


def upgrade() -> None:
    """Add the column."""
    run_sql("0012_document_tags.sql")


def downgrade() -> None:
    """Drop it again."""
    run_sql("0012_document_tags_down.sql")
