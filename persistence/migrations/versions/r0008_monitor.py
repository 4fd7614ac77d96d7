"""The health monitor: services, results, states, notices, digests, anomalies."""

from persistence.migrations.revision import sql_steps

revision = "0008"
down_revision = "0007"
upgrade, downgrade = sql_steps(__file__)
