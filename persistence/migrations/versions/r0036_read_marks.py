"""What each operator has read, and what lists need to tell it."""

from persistence.migrations.revision import sql_steps

revision = "0036"
down_revision = "0035"
upgrade, downgrade = sql_steps(__file__)
