"""Notes of operators in a conversation."""

from persistence.migrations.revision import sql_steps

revision = "0038"
down_revision = "0037"
upgrade, downgrade = sql_steps(__file__)
