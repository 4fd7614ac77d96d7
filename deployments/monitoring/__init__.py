"""The health monitor's process, its notifiers and its analyses."""
