"""Fewer checks per message: what one statement writes together needs no key."""

from persistence.migrations.revision import sql_steps

revision = "0014"
down_revision = "0013"
upgrade, downgrade = sql_steps(__file__)
