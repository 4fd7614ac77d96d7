"""What came of telling a platform a channel's address."""

from persistence.migrations.revision import build_steps

revision = "0006"
down_revision = "0004"
upgrade, downgrade = build_steps("0006_telegram")
