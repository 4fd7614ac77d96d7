"""The newest message of each conversation, in its state."""

from persistence.migrations.revision import sql_steps

revision = "0034"
down_revision = "0033"
upgrade, downgrade = sql_steps(__file__)
