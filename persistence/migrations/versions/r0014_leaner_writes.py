"""Fewer checks per message: what one statement writes together needs no key."""

from persistence.migrations.revision import build_steps

revision = "0014"
down_revision = "0013"
upgrade, downgrade = build_steps("0014_leaner_writes")
