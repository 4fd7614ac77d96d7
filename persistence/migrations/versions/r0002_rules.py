"""Where a message stands in its conversation."""

from persistence.migrations.revision import build_steps

revision = "0002"
down_revision = "0001"
upgrade, downgrade = build_steps("0002_rules")
