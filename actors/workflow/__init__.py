"""Workflows: definitions, and runs that advance by events; knows no conversation."""
