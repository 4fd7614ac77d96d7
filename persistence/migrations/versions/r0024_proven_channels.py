"""Channels count as an account's own only when that was proven."""

from persistence.migrations.revision import sql_steps

revision = "0024"
down_revision = "0023"
upgrade, downgrade = sql_steps(__file__)
