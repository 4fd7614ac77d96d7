"""What came of telling a platform a channel's address."""

from persistence.migrations.revision import sql_steps

revision = "0006"
down_revision = "0004"
upgrade, downgrade = sql_steps(__file__)
