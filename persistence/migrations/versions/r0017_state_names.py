"""Plain names for three fields of the conversations' states."""

from persistence.migrations.revision import sql_steps

revision = "0017"
down_revision = "0016"
upgrade, downgrade = sql_steps(__file__)
