"""Secrets by which shops prove the ids of their visitors."""

from persistence.migrations.revision import sql_steps

revision = "0028"
down_revision = "0027"
upgrade, downgrade = sql_steps(__file__)
