"""Workflows, their versions, runs and steps, and a tenant's business hours."""

from persistence.migrations.revision import sql_steps

revision = "0031"
down_revision = "0029"
upgrade, downgrade = sql_steps(__file__)
