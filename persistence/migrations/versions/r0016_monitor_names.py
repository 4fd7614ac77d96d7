"""One definition of a watched service, and standard names in the monitor's JSON."""

from persistence.migrations.revision import build_steps

revision = "0016"
down_revision = "0015"
upgrade, downgrade = build_steps("0016_monitor_names")
