"""One look for a batch's channels instead of a key per customer."""

from persistence.migrations.revision import sql_steps

revision = "0015"
down_revision = "0014"
upgrade, downgrade = sql_steps(__file__)
