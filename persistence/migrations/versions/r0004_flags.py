"""Flags with their history, variants of conversations, routing of questions."""

from persistence.migrations.revision import build_steps

revision = "0004"
down_revision = "0003"
upgrade, downgrade = build_steps("0004_flags")
