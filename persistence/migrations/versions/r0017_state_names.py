"""Plain names for three fields of the conversations' states."""

from persistence.migrations.revision import build_steps

revision = "0017"
down_revision = "0016"
upgrade, downgrade = build_steps("0017_state_names")
