"""The tags of a document, by which a search may be narrowed."""

from persistence.migrations.revision import sql_steps

revision = "0012"
down_revision = "0010"
upgrade, downgrade = sql_steps(__file__)
