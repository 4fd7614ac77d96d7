"""The tags of a document, by which a search may be narrowed."""

from persistence.migrations.revision import build_steps

revision = "0012"
down_revision = "0010"
upgrade, downgrade = build_steps("0012_document_tags")
