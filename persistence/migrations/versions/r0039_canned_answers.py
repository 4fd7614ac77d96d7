"""Canned answers of each business."""

from persistence.migrations.revision import sql_steps

revision = "0039"
down_revision = "0038"
upgrade, downgrade = sql_steps(__file__)
