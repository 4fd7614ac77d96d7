"""One look for a batch's channels instead of a key per customer."""

from persistence.migrations.revision import build_steps

revision = "0015"
down_revision = "0014"
upgrade, downgrade = build_steps("0015_keyless_customers")
