"""The inbox: a feed of a tenant's changes, its customers, its dead letters."""

from persistence.migrations.revision import build_steps

revision = "0003"
down_revision = "0002"
upgrade, downgrade = build_steps("0003_inbox")
