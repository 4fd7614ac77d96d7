"""The health monitor: services, results, states, notices, digests, anomalies."""

from persistence.migrations.revision import build_steps

revision = "0008"
down_revision = "0007"
upgrade, downgrade = build_steps("0008_monitor")
