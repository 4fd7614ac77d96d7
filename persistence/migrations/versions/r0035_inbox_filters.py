"""What the inbox is filtered and ordered by."""

from persistence.migrations.revision import sql_steps

revision = "0035"
down_revision = "0034"
upgrade, downgrade = sql_steps(__file__)
