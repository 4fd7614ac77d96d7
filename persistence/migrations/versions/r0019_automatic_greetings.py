"""Automatic greetings of channels."""

from persistence.migrations.revision import sql_steps

revision = "0019"
down_revision = "0018"
upgrade, downgrade = sql_steps(__file__)
