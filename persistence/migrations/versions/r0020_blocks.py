"""Blocks of chunks, and the reader that made them."""

from persistence.migrations.revision import sql_steps

revision = "0020"
down_revision = "0019"
upgrade, downgrade = sql_steps(__file__)
