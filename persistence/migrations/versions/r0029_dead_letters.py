"""Events that can never be stored, and an index that counts a tenant's chunks."""

from persistence.migrations.revision import sql_steps

revision = "0029"
down_revision = "0028"
upgrade, downgrade = sql_steps(__file__)
