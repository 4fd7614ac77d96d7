"""Actors own state over time: conversations and the health monitor."""
