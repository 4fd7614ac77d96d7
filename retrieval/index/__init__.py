"""Indexes of one tenant's knowledge in memory: BM25 and vectors."""
