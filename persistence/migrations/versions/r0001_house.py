"""The first tables: tenants, channels, conversations, knowledge."""

from persistence.migrations.revision import sql_steps

revision = "0001"
down_revision = None
upgrade, downgrade = sql_steps(__file__)
