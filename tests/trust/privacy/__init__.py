"""Erasure, retention, growth."""
