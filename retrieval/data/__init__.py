"""Word lists that a Persian speaker can edit without Python, and their loader."""
