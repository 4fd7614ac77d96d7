"""Fewer checks per message: what follows from another promise is not checked twice."""

from persistence.migrations.revision import sql_steps

revision = "0007"
down_revision = "0006"
upgrade, downgrade = sql_steps(__file__)
