"""What the summary shows, put together; and what rings the monitor."""

from persistence.migrations.revision import build_steps

revision = "0013"
down_revision = "0012"
upgrade, downgrade = build_steps("0013_monitor")
