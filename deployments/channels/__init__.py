"""Platforms' own formats, turned into events."""
