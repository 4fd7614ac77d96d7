"""The inbox: a feed of a tenant's changes, its customers, its dead letters."""

from persistence.migrations.revision import sql_steps

revision = "0003"
down_revision = "0002"
upgrade, downgrade = sql_steps(__file__)
