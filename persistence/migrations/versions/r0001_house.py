"""The first tables: tenants, channels, conversations, knowledge."""

from persistence.migrations.revision import build_steps

revision = "0001"
down_revision = None
upgrade, downgrade = build_steps("0001_house")
