"""Columns of who looks after a conversation, and until when it is put aside."""

from persistence.migrations.revision import sql_steps

revision = "0037"
down_revision = "0036"
upgrade, downgrade = sql_steps(__file__)
