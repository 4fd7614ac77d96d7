"""Faults that a review found: each has a test that bears its name."""
