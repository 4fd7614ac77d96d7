"""Roles, sessions, API keys and invitations: the life cycle of accounts."""

from persistence.migrations.revision import sql_steps

revision = "0023"
down_revision = "0022"
upgrade, downgrade = sql_steps(__file__)
