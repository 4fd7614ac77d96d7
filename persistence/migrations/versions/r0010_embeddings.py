"""Who embeds a chunk, why it failed, and the vectors that serve meanwhile."""

from persistence.migrations.revision import sql_steps

revision = "0010"
down_revision = "0008"
upgrade, downgrade = sql_steps(__file__)
