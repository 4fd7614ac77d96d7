"""One definition of a watched service, and standard names in the monitor's JSON."""

from persistence.migrations.revision import sql_steps

revision = "0016"
down_revision = "0015"
upgrade, downgrade = sql_steps(__file__)
