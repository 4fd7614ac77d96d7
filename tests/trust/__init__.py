"""Tests of trust: one per finding of the review of security."""
