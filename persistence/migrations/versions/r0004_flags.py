"""Flags with their history, variants of conversations, routing of questions."""

from persistence.migrations.revision import sql_steps

revision = "0004"
down_revision = "0003"
upgrade, downgrade = sql_steps(__file__)
