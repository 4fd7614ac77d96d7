"""Fewer checks per message: what follows from another promise is not checked twice."""

from persistence.migrations.revision import build_steps

revision = "0007"
down_revision = "0006"
upgrade, downgrade = build_steps("0007_lean_writes")
