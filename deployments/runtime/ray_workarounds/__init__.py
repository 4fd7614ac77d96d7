"""Patches of Ray that no setting replaces, each with what would make it needless."""
