"""Files that documents were read from."""

from persistence.migrations.revision import sql_steps

revision = "0018"
down_revision = "0017"
upgrade, downgrade = sql_steps(__file__)
