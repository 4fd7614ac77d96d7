"""Secrets that sign workflows' webhooks, and the mails that workflows sent."""

from persistence.migrations.revision import sql_steps

revision = "0033"
down_revision = "0031"
upgrade, downgrade = sql_steps(__file__)
