"""Workflows in tests: runs, conversations and shards that have some."""
