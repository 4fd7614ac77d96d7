"""Proofs of answers."""

from persistence.migrations.revision import sql_steps

revision = "0021"
down_revision = "0020"
upgrade, downgrade = sql_steps(__file__)
