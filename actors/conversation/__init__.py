"""Conversations: pure rules, and the shard that keeps them."""
