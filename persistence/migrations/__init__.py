"""Alembic revisions, append-only, in plain SQL."""
