"""Files that documents were read from."""

from persistence.migrations.revision import run_sql

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Add the table of files."""
    run_sql("0018_document_files.sql")


def downgrade() -> None:
    """Drop the table of files."""
    run_sql("0018_document_files_down.sql")
