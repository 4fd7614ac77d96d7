"""The `pilito` command: one file a verb."""
