"""Where a message stands in its conversation."""

from persistence.migrations.revision import sql_steps

revision = "0002"
down_revision = "0001"
upgrade, downgrade = sql_steps(__file__)
