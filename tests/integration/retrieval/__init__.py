"""Retrieval with real models."""
