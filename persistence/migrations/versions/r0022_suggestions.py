"""Questions that a website's chat page suggests."""

from persistence.migrations.revision import sql_steps

revision = "0022"
down_revision = "0021"
upgrade, downgrade = sql_steps(__file__)
