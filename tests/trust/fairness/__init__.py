"""Shares of tenants in conversations, knowledge and searches."""
