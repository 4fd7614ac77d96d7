"""Confirmed addresses of alerts, limits of alerts, and their order."""

from persistence.migrations.revision import sql_steps

revision = "0026"
down_revision = "0025"
upgrade, downgrade = sql_steps(__file__)
