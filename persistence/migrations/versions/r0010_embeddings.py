"""Who embeds a chunk, why it failed, and the vectors that serve meanwhile."""

from persistence.migrations.revision import build_steps

revision = "0010"
down_revision = "0008"
upgrade, downgrade = build_steps("0010_embeddings")
