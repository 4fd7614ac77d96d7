"""The runtime that began last on this database."""

from persistence.migrations.revision import sql_steps

revision = "0025"
down_revision = "0024"
upgrade, downgrade = sql_steps(__file__)
