"""What the summary shows, put together; and what rings the monitor."""

from persistence.migrations.revision import sql_steps

revision = "0013"
down_revision = "0012"
upgrade, downgrade = sql_steps(__file__)
